"""Versions come and go; whoever uses one keeps it."""

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.errors import Code, LoadError, RequestError
from serving.manager import Manager
from serving.policy import State
from serving.runtimes.runtime import Runtime
from tests.serving.runtimes import Opener
from tests.support.processes import until


class Shelf:
    """One model's folders and the manager told of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.opener = Opener()
        self.manager = Manager(self.opener, retries=0, retry_interval_s=0)

    def put(self, *versions: int, files: tuple[str, ...] = ("good",)) -> None:
        for version in versions:
            (self.root / str(version)).mkdir(exist_ok=True)
            for name in files:
                (self.root / str(version) / name).touch()

    def aspire(self, *versions: int) -> None:
        self.manager.aspire("m", {version: self.root / str(version) for version in versions})

    def settle(self, *versions: int) -> dict[int, State]:
        self.aspire(*versions)
        assert self.manager.wait_settled(30)
        return self.states()

    def states(self) -> dict[int, State]:
        return {line.version: line.state for line in self.manager.statuses("m")}

    def served(self, version: int | None = None) -> int:
        with self.manager.use("m", version) as servable:
            servable.runtime.run("", {}, [], None)
            return servable.version


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.opener.release.set()
    shelf.manager.close(30)
    assert all(runtime.closed.is_set() for runtime in shelf.opener.opened)


def test_the_newest_version_is_loaded(shelf: Shelf) -> None:
    shelf.put(1, 2, 10)
    assert shelf.settle(1, 2, 10) == {10: State.AVAILABLE}
    assert shelf.served() == shelf.served(10) == 10


def test_what_is_not_loaded_is_not_found(shelf: Shelf) -> None:
    with pytest.raises(RequestError, match=r"^NOT_FOUND: Servable not found for request: Latest\(m\)$") as caught:
        shelf.served()
    assert caught.value.code is Code.NOT_FOUND
    with pytest.raises(RequestError, match=r"Specific\(m, 3\)"):
        shelf.served(3)
    assert shelf.manager.statuses("m") == []


def test_a_new_version_replaces_the_old_one(shelf: Shelf) -> None:
    shelf.put(1, 2)
    shelf.settle(1)
    assert shelf.settle(1, 2) == {2: State.AVAILABLE, 1: State.END}
    assert [(runtime.path.name, runtime.closed.is_set()) for runtime in shelf.opener.opened] == [
        ("1", True),
        ("2", False),
    ]


def test_the_old_version_serves_while_the_new_one_loads(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=("good", "held"))
    shelf.settle(1)
    shelf.aspire(1, 2)
    assert shelf.opener.loading.wait(30)
    assert shelf.states() == {2: State.LOADING, 1: State.AVAILABLE}
    assert shelf.served() == 1
    shelf.opener.release.set()
    assert shelf.manager.wait_settled(30)
    assert shelf.served() == 2


def test_a_version_in_use_is_closed_by_its_last_user(shelf: Shelf) -> None:
    shelf.put(1, 2)
    shelf.settle(1)
    with shelf.manager.use("m") as first, shelf.manager.use("m"):
        shelf.aspire(1, 2)
        until(lambda: shelf.states() == {2: State.AVAILABLE, 1: State.UNLOADING}, "1 is retired")
        assert shelf.served() == 2
        first.runtime.run("", {}, [], None)
        assert not shelf.opener.opened[0].closed.is_set()
    assert shelf.manager.wait_settled(30)
    assert shelf.states() == {2: State.AVAILABLE, 1: State.END}
    assert shelf.opener.opened[0].closed.is_set()


def test_a_broken_version_leaves_the_old_one_and_its_error(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=())
    shelf.settle(1)
    assert shelf.settle(1, 2) == {2: State.END, 1: State.AVAILABLE}
    error = shelf.manager.statuses("m")[0].error
    assert error is not None
    assert (error.code, error.message) == (Code.DATA_LOSS, "2 is broken")
    assert shelf.served() == 1


def test_what_a_failed_load_held_is_not_kept_with_its_error(tmp_path: Path) -> None:
    class Graph:
        pass

    graphs = []

    def open_runtime(path: Path) -> Runtime:
        graph = Graph()
        graphs.append(weakref.ref(graph))
        raise LoadError(Code.DATA_LOSS, f"{path.name} is broken")

    manager = Manager(open_runtime, retries=1, retry_interval_s=0)
    manager.aspire("m", {1: tmp_path})
    assert manager.wait_settled(30)
    manager.close(30)
    gc.collect()
    assert manager.statuses("m")[0].error is not None
    assert [graph() for graph in graphs] == [None, None]


def test_a_broken_newest_version_at_the_start_falls_back(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=())
    assert shelf.settle(1, 2) == {2: State.END, 1: State.AVAILABLE}


def test_a_broken_version_is_tried_again_only_when_its_files_change(shelf: Shelf) -> None:
    shelf.put(1, files=())
    shelf.settle(1)
    shelf.settle(1)
    assert shelf.opener.tries == ["1"]
    shelf.put(1)
    assert shelf.settle(1) == {1: State.AVAILABLE}
    assert shelf.manager.statuses("m")[0].error is None


def test_a_broken_version_that_went_away_and_came_back_is_tried_again(shelf: Shelf) -> None:
    shelf.put(1, files=())
    for versions in ((1,), (), (1,)):
        shelf.settle(*versions)
    assert shelf.opener.tries == ["1", "1"]


def test_deleting_the_served_version_falls_back_to_the_next_lower(shelf: Shelf) -> None:
    shelf.put(1, 2)
    shelf.settle(1, 2)
    assert shelf.settle(1) == {2: State.END, 1: State.AVAILABLE}


def test_deleting_everything_unloads_and_coming_back_loads(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle(1)
    assert shelf.settle() == {1: State.END}
    assert shelf.manager.models() == ["m"]
    assert shelf.settle(1) == {1: State.AVAILABLE}
    assert shelf.manager.models() == ["m"]


def test_a_model_whose_only_version_is_broken_is_still_a_model(shelf: Shelf) -> None:
    shelf.put(1, files=())
    shelf.settle(1)
    assert shelf.manager.models() == ["m"]


def test_a_version_that_is_overtaken_while_loading_is_not_kept(shelf: Shelf) -> None:
    shelf.put(1, 3)
    shelf.put(2, files=("good", "held"))
    shelf.settle(1)
    shelf.aspire(1, 2)
    assert shelf.opener.loading.wait(30)
    shelf.aspire(1, 2, 3)
    shelf.opener.release.set()
    assert shelf.manager.wait_settled(30)
    assert shelf.states() == {3: State.AVAILABLE, 2: State.END, 1: State.END}


def test_one_model_that_loads_slowly_does_not_hold_up_another(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put(1, files=("good", "held"))
    shelf.put(5)
    shelf.aspire(1)
    assert shelf.opener.loading.wait(30)
    shelf.manager.aspire("other", {5: tmp_path / "5"})
    until(lambda: shelf.manager.statuses("other")[0].state is State.AVAILABLE, "the other model is loaded")
    assert shelf.states() == {1: State.LOADING}


def test_the_history_is_bounded(shelf: Shelf) -> None:
    versions = range(1, 41)
    shelf.put(*versions)
    for version in versions:
        shelf.settle(version)
    states = shelf.states()
    assert max(states) == 40
    assert 2 <= len(states) <= 20


def test_closing_waits_for_whoever_is_inside(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.settle(1)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with shelf.manager.use("m") as servable:
            inside.set()
            assert leave.wait(30)
            servable.runtime.run("", {}, [], None)

    guest = threading.Thread(target=stay)
    guest.start()
    assert inside.wait(30)
    closing = threading.Thread(target=shelf.manager.close, args=(30,))
    closing.start()
    until(lambda: shelf.states() == {1: State.UNLOADING}, "the manager lets nobody in any more")
    with pytest.raises(RequestError):
        shelf.served()
    assert not shelf.opener.opened[0].closed.is_set()
    leave.set()
    guest.join()
    closing.join()
    assert shelf.opener.opened[0].closed.is_set()


def test_after_closing_nothing_loads(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.manager.close(30)
    shelf.aspire(1)
    assert shelf.opener.tries == []


def test_users_and_versions_under_stress(shelf: Shelf) -> None:
    versions = range(1, 60)
    shelf.put(*versions)
    shelf.settle(1)
    done = threading.Event()
    seen: list[list[int]] = [[] for _ in range(8)]

    def ask(answers: list[int]) -> None:
        while not done.is_set():
            answers.append(shelf.served())

    askers = [threading.Thread(target=ask, args=(answers,)) for answers in seen]
    for asker in askers:
        asker.start()
    for version in versions[1:]:
        shelf.settle(version - 1, version)
    done.set()
    for asker in askers:
        asker.join()
    assert shelf.served() == versions[-1]
    assert all(answers == sorted(answers) for answers in seen), "an answer came from an older version than before"
    assert all(answers for answers in seen)
