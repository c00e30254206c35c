"""What counts as a model and as a version."""

from pathlib import Path

import pytest

from store.errors import InvalidNameError, VersionNotFoundError
from store.layout import Store, check_name, parse_version, version_folders


@pytest.mark.parametrize("name", ["digits", "a", "bert-tiny_2.1", "0day", "x" * 64])
def test_good_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", ".hidden", "..", "a/b", "Über", "UPPER", "a b", "-x", "x" * 65, "a\n"])
def test_bad_names(name: str) -> None:
    with pytest.raises(InvalidNameError, match="expected 1 to 64"):
        check_name(name)


@pytest.mark.parametrize(
    ("folder", "version"),
    [
        ("1", 1),
        ("007", 7),
        ("0", 0),
        (str(2**63 - 1), 2**63 - 1),
        *((name, None) for name in (str(2**63), "-1", "1.5", "", "a1", "²", "٣", " 1", ".staging-x")),
    ],
)
def test_only_int64_numbers_are_versions(folder: str, version: int | None) -> None:
    assert parse_version(folder) == version


def test_version_folders_skip_files_and_prefer_the_shorter_name(tmp_path: Path) -> None:
    for name in ("10", "2", "002", ".staging-9"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("a file")
    assert version_folders(tmp_path) == {2: tmp_path / "2", 10: tmp_path / "10"}


def test_a_missing_store_has_no_models(tmp_path: Path) -> None:
    store = Store.at(tmp_path / "nowhere")
    assert store.models() == []
    assert store.versions("digits") == []


def test_models_are_folders_with_versions(tmp_path: Path) -> None:
    for folder in ("digits/1", "digits/3", "empty", ".hidden/1", "Upper/1"):
        (tmp_path / folder).mkdir(parents=True)
    store = Store.at(tmp_path)
    assert store.models() == ["digits"]
    assert store.versions("digits") == [1, 3]
    assert store.version("digits").number == 3
    assert store.version("digits", 1).path == tmp_path.resolve() / "digits" / "1"


@pytest.mark.parametrize(("model", "number"), [("digits", 2), ("other", None), ("other", 1)])
def test_what_is_not_there_is_not_found(tmp_path: Path, model: str, number: int | None) -> None:
    (tmp_path / "digits" / "1").mkdir(parents=True)
    with pytest.raises(VersionNotFoundError, match=model):
        Store.at(tmp_path).version(model, number)


def test_a_name_that_leaves_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidNameError):
        Store.at(tmp_path).version("../etc", 1)
