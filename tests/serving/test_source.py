"""What the source sees, and what it tells."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from serving.source import Source, scan


class Told:
    """Remembers the last thing told of each model."""

    def __init__(self) -> None:
        self.models: dict[str, list[int]] = {}

    def aspire(self, model: str, versions: Mapping[int, Path]) -> None:
        self.models[model] = list(versions)


def source(root: Path, told: Told) -> Source:
    return Source(root, 3600, told.aspire)


def test_scan_sees_models_and_skips_what_is_none(tmp_path: Path) -> None:
    for name in ("digits/1", "digits/2", "empty", ".staging-x/1", "Not A Model/1"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "models.config").write_text("")
    found = scan(tmp_path)
    assert {model: list(versions) for model, versions in found.models.items()} == {"digits": [1, 2], "empty": []}
    assert found.unreadable == {}


def test_new_versions_and_new_models_are_told(tmp_path: Path) -> None:
    told = Told()
    watch = source(tmp_path, told)
    (tmp_path / "a" / "1").mkdir(parents=True)
    watch.poll()
    assert told.models == {"a": [1]}
    (tmp_path / "a" / "2").mkdir()
    (tmp_path / "b" / "7").mkdir(parents=True)
    watch.poll()
    assert told.models == {"a": [1, 2], "b": [7]}


def test_a_removed_version_and_a_removed_model_are_told(tmp_path: Path) -> None:
    told = Told()
    watch = source(tmp_path, told)
    for name in ("a/1", "a/2", "b/1"):
        (tmp_path / name).mkdir(parents=True)
    watch.poll()
    (tmp_path / "a" / "2").rmdir()
    (tmp_path / "b" / "1").rmdir()
    (tmp_path / "b").rmdir()
    watch.poll()
    assert told.models == {"a": [1], "b": []}


@pytest.mark.parametrize("root", ["missing", "file"])
def test_a_store_that_cannot_be_listed_is_no_news(tmp_path: Path, root: str) -> None:
    (tmp_path / "file").write_text("")
    told = Told()
    source(tmp_path / root, told).poll()
    assert told.models == {}


def test_a_store_that_goes_away_leaves_its_models_served(tmp_path: Path) -> None:
    told = Told()
    root = tmp_path / "store"
    (root / "a" / "1").mkdir(parents=True)
    watch = source(root, told)
    watch.poll()
    root.rename(tmp_path / "elsewhere")
    watch.poll()
    assert told.models == {"a": [1]}
    (tmp_path / "elsewhere").rename(root)
    (root / "a" / "2").mkdir()
    watch.poll()
    assert told.models == {"a": [1, 2]}


def test_an_unreadable_model_does_not_hide_the_others(tmp_path: Path) -> None:
    for name in ("a/1", "b/1"):
        (tmp_path / name).mkdir(parents=True)
    told = Told()
    watch = source(tmp_path, told)
    watch.poll()
    (tmp_path / "a").rename(tmp_path / ".a")
    (tmp_path / "a").symlink_to("a")  # a loop: nobody can list it, root neither
    (tmp_path / "b" / "2").mkdir()
    watch.poll()
    assert told.models["b"] == [1, 2]


def test_it_has_polled_once_all_is_told(tmp_path: Path) -> None:
    for name in ("store/a/1", "store/b/1"):
        (tmp_path / name).mkdir(parents=True)
    so_far = []

    def aspire(model: str, _versions: Mapping[int, Path]) -> None:
        so_far.append((model, watch.polled.is_set()))

    watch = Source(tmp_path / "store", 3600, aspire)
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    (tmp_path / "store").write_text("")  # which cannot be listed
    watch.poll()
    assert not watch.polled.is_set()
    (tmp_path / "elsewhere").rename(tmp_path / "store.new")
    (tmp_path / "store").unlink()
    (tmp_path / "store.new").rename(tmp_path / "store")
    watch.poll()
    assert so_far == [("a", False), ("b", False)]
    assert watch.polled.is_set()


def test_the_thread_polls_and_stops(tmp_path: Path) -> None:
    (tmp_path / "a" / "1").mkdir(parents=True)
    told = Told()
    watch = source(tmp_path, told)
    watch.start()
    assert watch.polled.wait(30)
    watch.stop()
    assert told.models == {"a": [1]}


def test_stopping_before_starting_is_fine(tmp_path: Path) -> None:
    source(tmp_path, Told()).stop()
