"""Whose turn it is to load: places, versions that overtake, models that leave together, no threads left."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.policy import State
from tests.serving.shelves import Shelf, shelved
from tests.support.processes import until


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with shelved(tmp_path) as shelf:
        yield shelf


def test_preserving_resources_the_old_version_goes_first(tmp_path: Path) -> None:
    with shelved(tmp_path, resource_preserving=True) as shelf:
        shelf.put(1)
        shelf.put(2, files=("good", "held"))
        shelf.settle(1)
        with shelf.manager.use("m"):
            shelf.aspire(1, 2)
            assert shelf.states() == {2: State.START, 1: State.UNLOADING}
        assert shelf.opener.loading.wait(30)
        assert shelf.opener.opened[0].closed.is_set()
        assert shelf.states() == {2: State.LOADING, 1: State.END}


def test_one_place_to_load_is_given_in_turn(tmp_path: Path) -> None:
    with shelved(tmp_path, load_threads=1) as shelf:
        shelf.put(1, files=("good", "held"))
        shelf.put(5)
        shelf.aspire(1)
        other = ModelConfig("other", tmp_path)
        shelf.manager.configure({"m": shelf.config, "other": other})
        shelf.manager.aspire(other, {5: tmp_path / "5"})
        assert shelf.opener.loading.wait(30)
        assert shelf.manager.statuses("other")[0].state is State.START
        shelf.opener.release.set()
        assert shelf.manager.wait_settled(timeout_s=30)
        assert shelf.manager.statuses("other")[0].state is State.AVAILABLE


def test_a_load_that_never_ends_is_overtaken_and_gives_its_place_up(tmp_path: Path) -> None:
    with shelved(tmp_path, load_threads=1) as shelf:
        shelf.put(1, 3)
        shelf.put(2, files=("good", "held"))
        shelf.settle(1)
        shelf.aspire(1, 2)
        assert shelf.opener.loading.wait(30)
        shelf.aspire(1, 2, 3)
        until(lambda: shelf.states()[3] is State.AVAILABLE, "3 is loaded")
        assert shelf.states()[2] is State.LOADING
        assert shelf.served() == 3


def test_a_load_that_takes_long_gives_its_place_to_other_models(tmp_path: Path) -> None:
    with shelved(tmp_path, load_threads=1, patience_s=0.01) as shelf:
        queue_many(shelf)
        until(lambda: set(shelf.opener.tries) == {"1", "5"}, "the other models' versions load")
        assert shelf.states()[1] is State.LOADING


def test_a_version_that_failed_after_it_was_overtaken_is_tried_again_when_it_is_wanted(shelf: Shelf) -> None:
    shelf.put(1, 3)
    shelf.put(2, files=("held",))
    shelf.settle(1)
    shelf.aspire(1, 2)
    assert shelf.opener.loading.wait(30)
    shelf.aspire(1, 2, 3)
    shelf.opener.release.set()
    assert shelf.manager.wait_settled(timeout_s=30)
    assert shelf.states() == {3: State.AVAILABLE, 2: State.END, 1: State.END}
    shelf.settle(1, 2)
    assert shelf.opener.tries == ["1", "2", "3", "2", "1"]


def test_a_version_deleted_while_it_loads_is_unloaded_when_it_has(shelf: Shelf) -> None:
    shelf.put(1, files=("good", "held"))
    shelf.aspire(1)
    assert shelf.opener.loading.wait(30)
    shelf.aspire()
    shelf.opener.release.set()
    assert shelf.manager.wait_settled(timeout_s=30)
    assert shelf.states() == {1: State.END}
    assert shelf.opener.opened[0].closed.is_set()


def queue_many(shelf: Shelf) -> None:
    """A load that lasts takes the one place; three hundred models wait behind it."""
    shelf.put(1, files=("good", "held"))
    shelf.put(5)
    shelf.aspire(1)
    assert shelf.opener.loading.wait(30)
    others = {name: ModelConfig(name, shelf.root) for name in (f"m{number}" for number in range(300))}
    shelf.manager.configure({"m": shelf.config, **others})
    for other in others.values():
        shelf.manager.aspire(other, {5: shelf.root / "5"})


def test_closing_loads_nothing_that_waits_for_a_place(tmp_path: Path) -> None:
    with shelved(tmp_path, load_threads=1) as shelf:
        queue_many(shelf)
        shelf.manager.close(0)
        shelf.opener.release.set()
        shelf.manager.close(30)
        assert shelf.opener.tries == ["1"]


def test_of_models_that_leave_together_none_takes_the_place_of_another(tmp_path: Path) -> None:
    with shelved(tmp_path, load_threads=1) as shelf:
        queue_many(shelf)
        last = ModelConfig("last", tmp_path)
        shelf.put(7)
        shelf.manager.configure({"last": last})
        shelf.manager.aspire(last, {7: tmp_path / "7"})
        shelf.opener.release.set()
        assert shelf.manager.wait_settled(timeout_s=30)
        assert shelf.opener.tries == ["1", "7"]


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of threads that do not start, as when the process has reached its limit."""
    names: set[str] = set()
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name in names:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    return names


def test_a_version_that_finds_no_thread_loads_at_a_later_poll(tmp_path: Path, no_threads: set[str]) -> None:
    with shelved(tmp_path, load_threads=1) as shelf:
        shelf.put(1)
        no_threads.add("load")
        shelf.aspire(1)
        assert shelf.states() == {1: State.START}
        no_threads.clear()
        assert shelf.settle(1) == {1: State.AVAILABLE}
        assert shelf.opener.tries == ["1"]


def test_a_version_that_finds_no_thread_is_unloaded_at_a_later_poll(shelf: Shelf, no_threads: set[str]) -> None:
    shelf.put(1)
    shelf.settle(1)
    no_threads.add("unload")
    with shelf.manager.use("m"):
        shelf.aspire()
    assert shelf.states() == {1: State.UNLOADING}
    no_threads.clear()
    assert shelf.settle() == {1: State.END}
