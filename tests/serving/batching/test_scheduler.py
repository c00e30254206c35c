"""Time and turns: batches that wait for more, and queues that share permits fairly."""

import ctypes
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from serving.batching.batched import Batched
from serving.batching.parameters import BatchingParameters
from serving.errors import RequestError
from tests.serving.batching.held import Bench, Held
from tests.support.processes import until

HOUR_MICROS = 3_600_000_000


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def test_a_batch_waits_until_it_is_full(threads: ThreadPoolExecutor) -> None:
    bench = Bench(max_batch_size=3, batch_timeout_micros=HOUR_MICROS)
    calls = [threads.submit(bench.double, 1), threads.submit(bench.double, 2)]
    bench.wait_for_tasks(2)
    assert bench.runtime.runs == []
    assert bench.double(3) == [6]
    assert [call.result(30) for call in calls] == [[2], [4]]
    assert bench.runtime.sizes == [3]


def test_a_batch_runs_when_its_first_call_is_old_enough(threads: ThreadPoolExecutor) -> None:
    clock = Clock()
    bench = Bench(batch_timeout_micros=HOUR_MICROS, clock_s=clock)
    first = threads.submit(bench.double, 1, timeout_s=None)
    bench.wait_for_tasks(1)
    clock.now_s += 3599
    second = threads.submit(bench.double, 2, timeout_s=None)
    bench.wait_for_tasks(2)
    clock.now_s += 1
    assert bench.double(3, timeout_s=None) == [6]
    assert [call.result(30) for call in (first, second)] == [[2], [4]]
    assert bench.runtime.sizes == [3]


def test_a_lonely_call_is_not_forgotten() -> None:
    bench = Bench(batch_timeout_micros=1000)
    assert bench.double(1) == [2]


def test_a_batch_that_the_next_call_does_not_fit_into_runs_at_once(threads: ThreadPoolExecutor) -> None:
    bench = Bench(max_batch_size=3, batch_timeout_micros=HOUR_MICROS)
    first = threads.submit(bench.double, 1, 2)
    bench.wait_for_tasks(1)
    second = threads.submit(bench.double, 3, 4)
    assert first.result(30) == [2, 4]
    assert bench.double(5) == [10]
    assert second.result(30) == [6, 8]
    assert bench.runtime.sizes == [2, 3]


def test_waiting_for_more_holds_no_permit(threads: ThreadPoolExecutor) -> None:
    bench = Bench(max_batch_size=2, batch_timeout_micros=HOUR_MICROS)
    waiting = threads.submit(bench.double, 1)
    bench.wait_for_tasks(1)
    assert bench.scheduler.free_permits == 1
    assert bench.double(2) == [4]
    assert waiting.result(30) == [2]


def test_the_next_in_line_minds_the_time_when_the_first_leaves(threads: ThreadPoolExecutor) -> None:
    bench = Bench(batch_timeout_micros=300_000)
    hurried = threads.submit(bench.double, 1, timeout_s=0.05)
    bench.wait_for_tasks(1)
    patient = threads.submit(bench.double, 2)
    with pytest.raises(RequestError, match="timeout exceeded"):
        hurried.result(30)
    assert patient.result(30) == [4]
    assert bench.runtime.sizes == [1]


SPLIT: dict[str, Any] = {"max_batch_size": 8, "enable_large_batch_splitting": True, "max_execution_batch_size": 3}


def test_the_pieces_of_a_large_call_run_side_by_side_and_hold_no_more_permits_than_that(
    threads: ThreadPoolExecutor,
) -> None:
    bench = Bench(permits=4, **SPLIT)
    bench.runtime.gate.clear()
    large = threads.submit(bench.double, *range(8))
    until(lambda: len(bench.runtime.runs) == 3, "all pieces run")
    assert bench.scheduler.free_permits == 1
    small = threads.submit(bench.double, 9)
    until(lambda: len(bench.runtime.runs) == 4, "a small call runs beside them")
    bench.runtime.gate.set()
    assert large.result(30) == [2 * x for x in range(8)]
    assert small.result(30) == [18]
    assert bench.scheduler.free_permits == 4


def test_a_neighbour_of_a_large_calls_last_piece_minds_the_time(threads: ThreadPoolExecutor) -> None:
    """The caller of the piece, first in its batch, is busy with the piece before."""
    bench = Bench(permits=2, batch_timeout_micros=50_000, **SPLIT)
    bench.runtime.gate.clear()
    large = threads.submit(bench.double, 1, 2, 3, 4)
    until(lambda: len(bench.runtime.runs) == 1, "the first piece runs")
    neighbour = threads.submit(bench.double, 5)
    until(lambda: bench.runtime.sizes == [3, 2], "the neighbour runs both")
    bench.runtime.gate.set()
    assert large.result(30) == [2, 4, 6, 8]
    assert neighbour.result(30) == [10]


def test_a_neighbour_that_waits_already_is_told_to_mind_the_time(threads: ThreadPoolExecutor) -> None:
    bench = Bench(permits=1, batch_timeout_micros=50_000, **SPLIT)
    first = bench.occupy(threads.submit)
    large = threads.submit(bench.double, 1, 2, 3, 4)
    bench.wait_for_tasks(2)
    neighbour = threads.submit(bench.double, 5)
    bench.wait_for_tasks(3)
    bench.runtime.gate.set()
    assert [call.result(30) for call in (first, large, neighbour)] == [[0], [2, 4, 6, 8], [10]]
    assert bench.runtime.sizes == [1, 3, 2]


class Interrupted(BaseException):
    """What a signal raises in a thread."""


def interrupt(thread: threading.Thread) -> None:
    assert thread.ident is not None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Interrupted))


@pytest.mark.parametrize("others", [0, 1])
def test_a_caller_interrupted_while_it_waits_leaves_nothing_behind(threads: ThreadPoolExecutor, others: int) -> None:
    """Python raises in a thread when it wakes: here, when it is told to lead, with a permit set aside for it."""
    bench = Bench()
    raised: list[BaseException] = []

    def caller() -> None:
        try:
            bench.double(1)
        except BaseException as exc:
            raised.append(exc)

    first = bench.occupy(threads.submit)
    waiting = threading.Thread(target=caller)
    waiting.start()
    bench.wait_for_tasks(1)
    neighbours = [threads.submit(bench.double, 2) for _ in range(others)]
    bench.wait_for_tasks(1 + others)
    interrupt(waiting)
    bench.runtime.gate.set()
    waiting.join(30)
    assert [type(exc) for exc in raised] == [Interrupted]
    assert [call.result(30) for call in (first, *neighbours)] == [[0], *[[4]] * others]
    assert bench.scheduler.free_permits == 1
    assert bench.depth("tasks") == 0
    assert bench.double(3) == [6]


def test_a_busy_model_does_not_starve_another(threads: ThreadPoolExecutor) -> None:
    """One permit, two models: with a long line before one of them, the other is next but one."""
    bench = Bench(max_batch_size=1)
    other = Held()
    other.runs = bench.runtime.runs
    batched = Batched(other, BatchingParameters(), bench.scheduler, model="other", version=1)
    calls = [bench.occupy(threads.submit)]
    for value in (1, 2, 3, 4):
        calls.append(threads.submit(bench.double, value))
        bench.wait_for_tasks(value)
    calls.append(threads.submit(batched.run, "double", {"x": np.array([99.0])}, ["y"], None))
    bench.wait_for_tasks(5)
    bench.runtime.gate.set()
    for call in calls:
        call.result(30)
    order = [run["x"][0] for run in bench.runtime.runs]
    assert order.index(99) == 2
    assert sorted(order) == [0, 1, 2, 3, 4, 99]


def test_the_pieces_of_a_call_are_padded_alike_whatever_its_neighbours(threads: ThreadPoolExecutor) -> None:
    bench = Bench(pad_variable_length_inputs=True, **SPLIT)
    bench.occupy(threads.submit)

    def echo(rows: int, length: int) -> Any:
        return bench.batched.run("echo", {"text": np.full((rows, length), b"x", object)}, ["text"], None)[0].shape

    calls = [threads.submit(echo, 2, 2)]
    bench.wait_for_tasks(1)
    calls.append(threads.submit(echo, 5, 3))
    bench.wait_for_tasks(3)
    calls.append(threads.submit(echo, 1, 4))
    bench.wait_for_tasks(4)
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [(2, 4), (5, 3), (1, 4)]
