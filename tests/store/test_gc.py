"""What gc removes, and what it never removes."""

from pathlib import Path

import pytest

from store.errors import UnsignedLabelsError, VersionNotFoundError
from store.gc import collect, superfluous
from store.golden import INDEX
from store.labels import LABELS_FILE, Labels
from store.layout import Store
from store.ledger import exclusively, opened
from store.signing import Signer, verified
from tests.support.decided import label, published


@pytest.mark.parametrize(
    ("labels", "keep", "removed"),
    [
        (Labels(), 1, (1, 2, 3, 4)),
        (Labels(), 3, (1, 2)),
        (Labels(), 9, ()),
        (Labels(versions={"stable": 2}), 1, (1, 3, 4)),
        (Labels(versions={"stable": 2, "canary": 4}), 1, (1, 3)),
        (Labels(versions={"stable": 3}, before={"stable": (1, 2)}), 1, (1, 4)),
        (Labels(versions={"stable": 5}, checked=1), 2, (2, 3)),
    ],
)
def test_superfluous(labels: Labels, keep: int, removed: tuple[int, ...]) -> None:
    assert superfluous(labels, [1, 2, 3, 4, 5], keep) == removed


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return published(tmp_path / "store", tmp_path / "export", 5)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.at(tmp_path / "key.pem")


def test_old_versions_go_and_a_record_says_so(store: Store, signer: Signer) -> None:
    label(store, "digits", 2, signer)
    record, damaged = collect(store, "digits", 2, signer)
    assert record is not None
    assert not damaged
    assert (record.action, record.removed) == ("gc", (1, 3))
    assert store.versions("digits") == [2, 4, 5]
    labels = Labels.read(store.base("digits"))
    assert len(verified(store.base("digits"), labels)) == 2
    assert {path.name for path in store.base("digits").iterdir()} == {"2", "4", "5", "labels.json", "records"}
    assert collect(store, "digits", 2, signer).record is None
    assert Labels.read(store.base("digits")) == labels


def test_versions_that_nobody_can_load_take_no_place_among_the_newest(store: Store, signer: Signer) -> None:
    (store.version("digits", 5).path / "saved_model.pb").write_bytes(b"another graph")
    store.version("digits", 4).manifest.write_bytes(b"{")
    (store.version("digits", 2).path / "saved_model.pb").unlink()
    record, damaged = collect(store, "digits", 1, signer)
    assert record is not None
    assert record.removed == (1, 2)
    assert damaged.keys() == {4, 5}
    assert "saved_model.pb is not what was exported" in damaged[5]
    assert store.versions("digits") == [3, 4, 5]


def test_versions_that_others_made_count_and_one_of_ours_without_its_manifest_does_not(
    store: Store, signer: Signer
) -> None:
    lost, bare, theirs = (store.version("digits", number) for number in (5, 4, 3))
    lost.golden.mkdir()
    (lost.golden / INDEX).write_bytes(b"[]")
    lost.manifest.unlink()
    bare.manifest.unlink()
    theirs.manifest.write_bytes(b'{"name": "theirs"}')
    record, damaged = collect(store, "digits", 2, signer)
    assert record is not None
    assert record.removed == (1, 2)
    assert [reason.endswith("manifest.json is missing") for reason in damaged.values()] == [True]
    assert damaged.keys() == {5}


def test_what_a_killed_gc_left_is_cleared_away(store: Store, signer: Signer) -> None:
    left = store.base("digits") / ".removed-1-0"
    (left / "variables").mkdir(parents=True)
    collect(store, "digits", 4, signer)
    assert store.versions("digits") == [2, 3, 4, 5]
    assert not left.exists()


def test_what_a_killed_promotion_was_checking_goes_and_what_a_running_one_checks_stays(
    store: Store, signer: Signer
) -> None:
    with opened(store, "digits") as ledger:
        ledger.keep(1)
    with exclusively(store, "digits"):
        collect(store, "digits", 1, signer)
    assert store.versions("digits") == [1, 5]
    collect(store, "digits", 1, signer)
    assert store.versions("digits") == [5]
    assert Labels.read(store.base("digits")).checked is None


def test_nothing_is_removed_by_labels_that_nobody_signed(store: Store, signer: Signer, tmp_path: Path) -> None:
    for version in (1, 2):
        label(store, "digits", version, signer)
    path = store.base("digits") / LABELS_FILE
    signed = path.read_text()
    path.write_text(signed.replace('"stable": [\n      1\n    ]', '"stable": []', 1))
    with pytest.raises(UnsignedLabelsError, match="returns stable to 1, and it would return nothing"):
        collect(store, "digits", 1, signer)
    path.write_text(signed)
    with pytest.raises(UnsignedLabelsError, match=r"its key .* is not one of those trusted"):
        collect(store, "digits", 1, signer, trusted=("0" * 16,))
    assert store.versions("digits") == [1, 2, 3, 4, 5]
    collect(store, "digits", 1, signer, trusted=(signer.name,))
    assert store.versions("digits") == [1, 2, 5]


def test_a_model_that_is_not_there(store: Store, signer: Signer) -> None:
    with pytest.raises(VersionNotFoundError, match="ghost"):
        collect(store, "ghost", 1, signer)
