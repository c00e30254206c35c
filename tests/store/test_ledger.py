"""Decisions are written at once or not at all, one after another, and every reader understands what there is."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from serving.lifecycle.model_config import configs_of
from serving.lifecycle.policy import Specific
from serving.lifecycle.store_models import StoreModels
from serving.text_proto import parse_text_proto
from store.errors import ManifestError, StoreUnwritableError, VersionNotFoundError
from store.labels import LABELS_FILE, Labels
from store.layout import Store
from store.ledger import exclusively, opened
from store.model_server_config import CONFIG_FILE
from store.records import Decision, record_path
from store.signing import Signer, verified
from tests.support.decided import label, published
from wire import messages


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return published(tmp_path / "store", tmp_path / "export", 3)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.at(tmp_path / "key.pem")


def stock(store: Store) -> Any:
    """What a stock TensorFlow Serving reads."""
    return configs_of(parse_text_proto((store.root / CONFIG_FILE).read_bytes(), messages.ModelServerConfig))


def test_a_decision_reaches_every_reader(store: Store, signer: Signer) -> None:
    label(store, "digits", 1, signer)
    record = label(store, "digits", 2, signer)
    labels = Labels.read(store.base("digits"))
    assert (labels.versions, labels.record, record.number) == ({"stable": 2}, record, 2)
    assert StoreModels(store.root).configs({})["digits"].labels == {"stable": 2}
    config = stock(store)["digits"]
    assert (config.labels, config.policy) == ({"stable": 2}, Specific(frozenset({1, 2, 3})))
    assert verified(store.base("digits"), labels)[-1] == record
    assert store.models() == ["digits"]
    assert store.versions("digits") == [1, 2, 3]


def test_every_user_can_read_what_is_decided(store: Store, signer: Signer) -> None:
    label(store, "digits", 1, signer)
    modes = {path: path.stat().st_mode & 0o777 for path in store.root.rglob("*")}
    assert modes == {path: 0o755 if path.is_dir() else 0o644 for path in modes}


def test_a_label_cannot_point_to_what_is_not_there(store: Store, signer: Signer) -> None:
    with pytest.raises(VersionNotFoundError, match="digits version 4"):
        label(store, "digits", 4, signer)
    with pytest.raises(VersionNotFoundError, match="ghost"):
        label(store, "ghost", 1, signer)
    assert Labels.read(store.base("digits")) == Labels()


def test_damaged_labels_are_not_written_over(store: Store, signer: Signer) -> None:
    (store.base("digits") / LABELS_FILE).write_text("{")
    with pytest.raises(ManifestError, match=LABELS_FILE):
        label(store, "digits", 1, signer)
    assert (store.base("digits") / LABELS_FILE).read_text() == "{"


def test_a_record_that_its_writer_did_not_live_to_write_is_made_up_for(store: Store, signer: Signer) -> None:
    label(store, "digits", 1, signer)
    record_path(store.base("digits"), 1).unlink()
    (store.root / CONFIG_FILE).write_text("model_config_list {}")
    label(store, "digits", 2, signer)
    assert len(verified(store.base("digits"), Labels.read(store.base("digits")))) == 2
    assert stock(store)["digits"].labels == {"stable": 2}


def test_what_is_checked_is_loaded_and_leaves_no_record(store: Store, signer: Signer) -> None:
    label(store, "digits", 1, signer)
    with opened(store, "digits") as ledger:
        ledger.keep(2)
    assert stock(store)["digits"].policy == Specific(frozenset({1, 2, 3}))
    with opened(store, "digits") as ledger:
        ledger.keep(None)
    assert stock(store)["digits"].policy == Specific(frozenset({1, 3}))
    assert len(verified(store.base("digits"), Labels.read(store.base("digits")))) == 1


def test_racing_decisions_are_one_chain(store: Store, signer: Signer) -> None:
    start = threading.Barrier(8)

    def race(number: int) -> None:
        start.wait(30)
        label(store, "digits", number % 3 + 1, signer, f"label-{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(race, range(8)))
    labels = Labels.read(store.base("digits"))
    assert labels.versions == {f"label-{number}": number % 3 + 1 for number in range(8)}
    assert len(verified(store.base("digits"), labels)) == 8
    assert stock(store)["digits"].labels == labels.versions


def test_one_at_a_time_works_on_a_model(store: Store) -> None:
    with exclusively(store, "digits"), pytest.raises(BlockingIOError), exclusively(store, "digits", wait=False):
        pass
    with pytest.raises(VersionNotFoundError), exclusively(store, "ghost"):
        pass


def test_a_store_that_cannot_be_written_is_left_as_it_was(store: Store, signer: Signer) -> None:
    before = (store.root / CONFIG_FILE).read_bytes()
    (store.base("digits") / "records").write_text("a file in its place")
    with pytest.raises(StoreUnwritableError, match="cannot write to the store"):
        label(store, "digits", 1, signer)
    assert Labels.read(store.base("digits")) == Labels()
    assert (store.root / CONFIG_FILE).read_bytes() == before


def test_a_refusal_is_a_decision_that_changes_no_label(store: Store, signer: Signer) -> None:
    label(store, "digits", 1, signer)
    with opened(store, "digits") as ledger:
        ledger.decide(ledger.labels, Decision(action="refuse", label="stable", version=3), signer)
    labels = Labels.read(store.base("digits"))
    assert labels.versions == {"stable": 1}
    assert [record.action for record in verified(store.base("digits"), labels)] == ["promote", "refuse"]


def test_damaged_labels_of_another_model_stop_nobody(store: Store, signer: Signer, tmp_path: Path) -> None:
    """It keeps the entry it has, in which its label is."""
    published(store.root, tmp_path / "other", 1, model="other")
    label(store, "other", 1, signer)
    (store.base("other") / LABELS_FILE).write_text("{damaged")
    label(store, "digits", 2, signer)
    assert stock(store)["digits"].labels == {"stable": 2}
    assert stock(store)["other"].labels == {"stable": 1}
    published(store.root, tmp_path / "again", 1)
    assert store.versions("digits") == [1, 2, 3, 4]
    with pytest.raises(ManifestError, match=r"other/labels\.json"):
        label(store, "other", 1, signer)
