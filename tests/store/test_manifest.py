"""The manifest's schema."""

import json
from pathlib import Path

import pytest

from store.errors import ManifestError
from store.manifest import Manifest
from tests.support.manifests import manifest


def test_a_manifest_survives_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(manifest().document())
    assert Manifest.read(path) == manifest()


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest\.json"):
        Manifest.read(tmp_path / "manifest.json")


@pytest.mark.parametrize(
    "change", [{"surprise": 1}, {"parameters": "many"}, {"labels": None}, {"created": "yesterday"}, {"model": None}]
)
def test_a_document_of_another_shape_is_refused(change: dict[str, object]) -> None:
    document = json.loads(manifest().document()) | change
    with pytest.raises(ManifestError, match=next(iter(change))):
        Manifest.parse(json.dumps(document))


def test_a_newer_manifest_is_called_so_and_nothing_else() -> None:
    document = json.loads(manifest().document()) | {"schema_version": 2, "surprise": 1}
    with pytest.raises(ManifestError, match="schema_version 2, expected 1") as caught:
        Manifest.parse(json.dumps(document))
    assert "not permitted" not in str(caught.value)


@pytest.mark.parametrize("document", [b"", b"\xff\xfe", b"[]", b'{"model": "digits"'])
def test_broken_documents_are_refused(document: bytes) -> None:
    with pytest.raises(ManifestError):
        Manifest.parse(document)
