"""A lazy server: versions load at their first request, and leave again when memory is short."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from serving.errors import Code, RequestError
from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.policy import Every, State
from tests.serving.shelves import Shelf, shelved
from tests.support.processes import until

START, READY, END = State.START, State.AVAILABLE, State.END
SIZE = 40  # bytes that each version takes
BUDGET = 100  # so that two fit


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with shelved(tmp_path, lazy=True) as shelf:
        yield shelf


@pytest.fixture
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """With three versions, of which two fit into memory."""
    with shelved(tmp_path, lazy=True, memory_budget=BUDGET, load_threads=1) as shelf:
        opener = type(shelf.opener).__call__

        def grow(*call: object) -> object:
            shelf.memory += SIZE
            return opener(*call)  # type: ignore[arg-type]  # passed on as they come

        monkeypatch.setattr(type(shelf.opener), "__call__", grow)
        shelf.put(1, 2, 3)
        for version in "123":
            (shelf.root / version / "weights").write_bytes(bytes(SIZE))
        shelf.configure(Every())
        shelf.settle(1, 2, 3)
        yield shelf


def ask(shelf: Shelf, *versions: int) -> None:
    for version in versions:
        shelf.now += 1
        assert shelf.served(version) == version


def test_a_version_loads_at_its_first_request(shelf: Shelf) -> None:
    shelf.put(1, 2)
    assert shelf.settle(1, 2) == {2: START}
    assert shelf.opener.tries == []
    assert shelf.manager.unavailable(["m"]) == []
    assert shelf.served() == 2
    assert shelf.states() == {2: READY}
    assert shelf.served() == shelf.served(2) == 2
    assert shelf.opener.tries == ["2"]


def test_first_requests_share_one_load(shelf: Shelf) -> None:
    shelf.put(1, files=("good", "held"))
    shelf.settle(1)
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(shelf.served) for _ in range(8)]
        assert shelf.opener.loading.wait(30)
        shelf.opener.release.set()
        assert [future.result() for future in waiting] == [1] * 8
    assert shelf.opener.tries == ["1"]


def test_a_request_waits_no_longer_than_its_deadline_and_the_load_goes_on(shelf: Shelf) -> None:
    shelf.put(1, files=("good", "held"))
    shelf.settle(1)
    with pytest.raises(RequestError, match="version 1 of model m was still loading") as caught:
        shelf.served(timeout_s=0.01)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    shelf.opener.release.set()
    assert shelf.manager.wait_settled(timeout_s=30)
    assert shelf.states() == {1: READY}


@pytest.mark.parametrize(
    ("ask_for", "said"), [(None, r"Latest\(m\)"), (1, r"Specific\(m, 1\)"), (7, r"Specific\(m, 7\)")]
)
def test_a_version_that_does_not_load_is_not_found(shelf: Shelf, ask_for: int | None, said: str) -> None:
    shelf.put(1, files=())
    shelf.settle(1)
    with pytest.raises(RequestError, match=said) as caught:
        shelf.served(ask_for)
    assert caught.value.code is Code.NOT_FOUND


def test_a_broken_newest_version_falls_back_within_the_request(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=())
    shelf.settle(1, 2)
    assert shelf.served() == 1
    assert shelf.states() == {2: END, 1: READY}


def test_the_old_version_answers_while_the_new_one_loads(shelf: Shelf) -> None:
    shelf.put(1)
    shelf.put(2, files=("good", "held"))
    shelf.settle(1)
    shelf.served()
    assert shelf.settle(1, 2) == {2: START, 1: READY}
    assert shelf.served() == 1
    assert shelf.opener.loading.wait(30)
    shelf.opener.release.set()
    assert shelf.manager.wait_settled(timeout_s=30)
    assert shelf.states() == {2: READY, 1: END}
    assert shelf.served() == 2


def test_after_a_way_back_the_next_request_moves_to_the_lower_version(shelf: Shelf) -> None:
    shelf.put(1, 2)
    shelf.settle(1, 2)
    shelf.served()
    assert shelf.settle(1) == {2: READY, 1: START}
    shelf.served()
    until(lambda: shelf.states() == {2: END, 1: READY}, "1 has taken over")


def test_closing_ends_the_wait(shelf: Shelf) -> None:
    shelf.put(1, files=("good", "held"))
    shelf.settle(1)
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(shelf.served)
        assert shelf.opener.loading.wait(30)
        closing = threads.submit(shelf.manager.close, 30)
        assert isinstance(waiting.exception(), RequestError)
        shelf.opener.release.set()
        closing.result()


def test_the_least_recently_used_version_makes_room_and_may_come_back(narrow: Shelf) -> None:
    ask(narrow, 1, 2, 1, 3)
    assert narrow.states() == {3: READY, 2: START, 1: READY}
    ask(narrow, 2)
    assert narrow.states() == {3: READY, 2: READY, 1: START}
    assert narrow.opener.tries == ["1", "2", "3", "2"]
    assert sum(not runtime.closed.is_set() for runtime in narrow.opener.opened) == 2


def test_a_version_in_use_does_not_leave(narrow: Shelf) -> None:
    ask(narrow, 1, 2)
    with narrow.manager.use("m", 1) as servable:
        ask(narrow, 3)
        servable.runtime.run("", {}, [], None)
        assert narrow.states() == {3: READY, 2: START, 1: READY}


def test_versions_of_other_models_make_room_too(narrow: Shelf) -> None:
    ask(narrow, 1, 2)
    other = ModelConfig("other", narrow.root)
    narrow.manager.configure({"m": narrow.config, "other": other})
    narrow.manager.aspire(other, {3: narrow.root / "3"})
    narrow.now += 1
    with narrow.manager.use("other"):
        assert narrow.states() == {3: START, 2: READY, 1: START}


def test_a_version_larger_than_the_budget_loads_alone(narrow: Shelf) -> None:
    ask(narrow, 1, 2)
    (narrow.root / "3" / "weights").write_bytes(bytes(10 * BUDGET))
    ask(narrow, 3)
    assert narrow.states() == {3: READY, 2: START, 1: START}


def test_a_version_that_is_deleted_while_it_is_out_ends(narrow: Shelf) -> None:
    ask(narrow, 1, 2, 3)
    assert narrow.settle(2, 3) == {3: READY, 2: READY, 1: END}


def test_many_callers_of_more_versions_than_fit(narrow: Shelf) -> None:
    start = threading.Barrier(6)

    def ask_on(offset: int) -> list[int]:
        start.wait(30)
        return [narrow.served(1 + (turn + offset) % 3) for turn in range(30)]

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(ask_on, range(6)))
    assert answers == [[1 + (turn + offset) % 3 for turn in range(30)] for offset in range(6)]
