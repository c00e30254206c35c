"""A store's folders as models, with their labels."""

import json
from pathlib import Path

import pytest

from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.policy import Labelled
from serving.lifecycle.store_models import StoreModels
from store.labels import LABELS_FILE, Labels
from store.layout import Store
from store.model_server_config import CONFIG_FILE
from store.signing import Signer
from tests.support import decided


def label(root: Path, model: str, **versions: int) -> None:
    (root / model).mkdir(parents=True, exist_ok=True)
    (root / model / LABELS_FILE).write_bytes(Labels(versions=versions).document())


def test_a_store_s_folders_are_its_models(tmp_path: Path) -> None:
    for name in ("digits/1", "digits/2", "empty", ".staging-x/1", "Not A Model/1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / CONFIG_FILE).write_text("")
    found = StoreModels(tmp_path).configs({})
    assert found == {name: ModelConfig(name, tmp_path / name) for name in ("digits", "empty")}


def test_a_store_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name in ("file", "missing"):
        with pytest.raises(OSError, match=name):
            StoreModels(tmp_path / name).configs({})


def test_labels_and_what_they_keep(tmp_path: Path) -> None:
    models = StoreModels(tmp_path)
    label(tmp_path, "digits", stable=1, canary=3)
    expected = ModelConfig("digits", tmp_path / "digits", Labelled(frozenset({1, 3})), {"stable": 1, "canary": 3})
    assert models.configs({}) == models.configs({}) == {"digits": expected}
    label(tmp_path, "digits", stable=3)
    assert models.configs({})["digits"].labels == {"stable": 3}


def test_labels_that_cannot_be_read_leave_a_model_as_it_was_and_an_unknown_one_unserved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = StoreModels(tmp_path)
    label(tmp_path, "digits", stable=1)
    (tmp_path / "fine").mkdir()
    known = models.configs({})
    (tmp_path / "digits" / LABELS_FILE).write_text('{"versions": {"stable": "')
    assert models.configs(known) == known
    assert models.configs({}).keys() == {"fine"}
    assert len([record for record in caplog.records if "labels of digits cannot be read" in record.getMessage()]) == 1


def test_a_glance_tells_a_change(tmp_path: Path) -> None:
    models = StoreModels(tmp_path)
    first = models.glance()
    (tmp_path / CONFIG_FILE).write_text("1")
    second = models.glance()
    assert first != second == models.glance()
    (tmp_path / "other").write_text("2")
    (tmp_path / "other").replace(tmp_path / CONFIG_FILE)
    assert models.glance() != second


# --- Labels that nobody decided


@pytest.fixture
def signed(tmp_path: Path) -> Store:
    """Two versions of `digits`; the first was promoted."""
    store = decided.published(tmp_path / "store", tmp_path / "export", 2)
    decided.label(store, "digits", 1, Signer.at(tmp_path / "key.pem"))
    return store


def _edit(store: Store, **fields: object) -> None:
    path = store.base("digits") / LABELS_FILE
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}))


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_labels_that_were_decided_are_followed_without_a_word(signed: Store, caplog: pytest.LogCaptureFixture) -> None:
    assert StoreModels(signed.root).configs({})["digits"].labels == {"stable": 1}
    assert _warnings(caplog) == []


def test_labels_that_nobody_signed_are_followed_with_a_warning(signed: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Once: not at every poll."""
    models = StoreModels(signed.root)
    models.configs({})
    _edit(signed, versions={"stable": 2})
    for _ in range(2):
        assert models.configs({})["digits"].labels == {"stable": 2}
    assert _warnings(caplog) == [
        "the labels of digits are followed, and nobody decided them so: after record 1 the labels are {'stable': 1}, "
        "and they are {'stable': 2}; `kmaas versions digits --verify` looks at all records"
    ]
    _edit(signed, versions={"stable": 1})
    models.configs({})
    _edit(signed, versions={"stable": 2})
    models.configs({})
    assert len(_warnings(caplog)) == 2


def test_a_record_with_a_signature_of_nobody_s_is_warned_of(signed: Store, caplog: pytest.LogCaptureFixture) -> None:
    record = json.loads((signed.base("digits") / LABELS_FILE).read_bytes())["record"]
    _edit(signed, versions={"stable": 2}, record={**record, "labels": {"stable": 2}})
    assert StoreModels(signed.root).configs({})["digits"].labels == {"stable": 2}
    [warning] = _warnings(caplog)
    assert "record 1 is not to be trusted: its signature is not one of the key" in warning
