"""What a version's files hold."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from store.contents import check_contents, contents, seal
from store.errors import ContentsError
from store.layout import VersionDir
from store.manifest import Manifest
from tests.support.manifests import manifest

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def version(tmp_path: Path) -> VersionDir:
    for name in ("saved_model.pb", "variables/variables.index", "assets/words/words.txt", "assets.extra/card.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return VersionDir(tmp_path)


def test_they_are_those_of_the_saved_model(version: VersionDir) -> None:
    assert contents(version) == dict.fromkeys(
        ("saved_model.pb", "assets/words/words.txt", "variables/variables.index"), EMPTY
    )


def test_what_was_sealed_is_as_it_was(version: VersionDir) -> None:
    seal(version, manifest())
    sealed = Manifest.read(version.manifest)
    assert sealed == manifest().model_copy(update={"files": contents(version)})
    check_contents(version, sealed.files)


def test_a_changed_file_is_named(version: VersionDir) -> None:
    expected = contents(version)
    (version.path / "assets/words/words.txt").write_text("x")
    with pytest.raises(ContentsError, match=rf"assets/words/words\.txt is not .* has sha256 2d71.*, expected {EMPTY}"):
        check_contents(version, expected)


def test_a_missing_file_is_not_a_changed_one(version: VersionDir) -> None:
    expected = contents(version)
    (version.path / "saved_model.pb").unlink()
    with pytest.raises(FileNotFoundError, match=r"saved_model\.pb"):
        check_contents(version, expected)


@pytest.mark.parametrize("name", ["/etc/passwd", "variables/../../other", "assets.extra/card.md", "assets/", "", "."])
def test_no_manifest_names_files_outside(name: str) -> None:
    with pytest.raises(ValidationError, match="files"):
        Manifest.model_validate({**manifest().model_dump(), "files": {name: EMPTY}})
