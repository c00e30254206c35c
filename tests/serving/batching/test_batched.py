"""Calls that meet in a queue: what runs together, what is refused, and that nobody suffers from a neighbour."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from serving.errors import Code, RequestError
from tests.serving.batching.held import POISON, Bench
from wire.tensors import Array

UNAVAILABLE, LATE = Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def refusal(call: Any) -> tuple[Code, str]:
    with pytest.raises(RequestError) as caught:
        call.result(30) if isinstance(call, Future) else call()
    return caught.value.code, caught.value.message


def queued(bench: Bench, threads: ThreadPoolExecutor, *calls: tuple[float, ...], **options: Any) -> list[Future[Any]]:
    """Calls that wait, in their order, behind one that runs until `bench.runtime.gate` is set."""
    first = bench.occupy(threads.submit)
    waiting: list[Future[Any]] = []
    for call in calls:
        waiting.append(threads.submit(bench.double, *call, **options))
        bench.wait_for_tasks(len(waiting))
    return [first, *waiting]


def test_a_call_that_meets_no_other_runs_as_it_is() -> None:
    bench = Bench()
    x = np.array([1.0, 2.0])
    assert bench.batched.run("double", {"x": x}, ["y"], None)[0].tolist() == [2, 4]
    assert bench.runtime.runs[0]["x"] is x
    assert bench.scheduler.free_permits == 1


def test_what_has_queued_runs_together(threads: ThreadPoolExecutor) -> None:
    bench = Bench()
    calls = queued(bench, threads, (1,), (2, 3), (4,))
    assert bench.depth("rows") == 4
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[0], [2], [4, 6], [8]]
    assert bench.runtime.sizes == [1, 4]
    assert bench.depth("tasks") == 0


def test_as_many_batches_run_at_a_time_as_there_are_permits(threads: ThreadPoolExecutor) -> None:
    bench = Bench(permits=2)
    calls = [bench.occupy(threads.submit), bench.occupy(threads.submit)]
    calls.append(threads.submit(bench.double, 5))
    bench.wait_for_tasks(1)
    assert len(bench.runtime.runs) == 2
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[0], [0], [10]]
    assert bench.scheduler.free_permits == 2


def test_outputs_come_in_the_order_asked_for(threads: ThreadPoolExecutor) -> None:
    bench = Bench()
    inputs: dict[str, Array] = {"b": np.array([2.0]), "a": np.array([1.0])}
    total, twice = bench.batched.run("several", inputs, ["sum", "a_twice"], None)
    assert (total.tolist(), twice.tolist()) == ([3], [[1, 1]])
    bench.occupy(threads.submit)
    calls = [threads.submit(bench.batched.run, "several", inputs, order, None)
             for order in (["sum", "a_twice"], ["a_twice", "sum"])]  # fmt: skip
    bench.wait_for_tasks(2)
    bench.runtime.gate.set()
    one, other = ([array.tolist() for array in call.result(30)] for call in calls)
    assert one == [[3], [[1, 1]]] == other[::-1]
    assert bench.runtime.sizes[1:] == [1, 2]


@pytest.mark.parametrize(
    ("signature", "inputs", "outputs"),
    [
        pytest.param("several", {"a": np.array([1.0]), "b": np.array([1.0])}, ["sum"], id="output filter"),
        pytest.param("double", {"x": np.zeros((0,))}, ["y"], id="no rows"),
    ],
)
def test_calls_that_pass_by_the_queue(
    threads: ThreadPoolExecutor, signature: str, inputs: dict[str, Array], outputs: list[str]
) -> None:
    bench = Bench(allowed_batch_sizes=(4,), max_batch_size=4)
    first = bench.occupy(threads.submit)
    passing = threads.submit(bench.batched.run, signature, inputs, outputs, 3.0)
    while len(bench.runtime.runs) < 2:
        pass
    assert bench.runtime.runs[1] == inputs
    assert bench.runtime.timeouts[1] == 3
    assert bench.depth("tasks") == 0
    bench.runtime.gate.set()
    passing.result(30), first.result(30)


@pytest.mark.parametrize("poisoned", [0, 1, 2])
def test_a_poisoned_call_fails_alone(threads: ThreadPoolExecutor, poisoned: int) -> None:
    bench = Bench()
    values = [1.0, 2.0, 3.0]
    values[poisoned] = POISON
    calls = queued(bench, threads, *((value,) for value in values))
    bench.runtime.gate.set()
    for index, call in enumerate(calls[1:]):
        if index == poisoned:
            assert refusal(call) == (Code.INVALID_ARGUMENT, "poisoned")
        else:
            assert call.result(30) == [values[index] * 2]
    assert bench.scheduler.free_permits == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([[1.0, 2.0]]), np.array([[1.0, 2.0, 3.0]])),
        (np.array([1.0], "f4"), np.array([0.1], "f8")),
    ],
)
def test_calls_that_differ_in_shape_or_dtype_do_not_meet(threads: ThreadPoolExecutor, one: Array, other: Array) -> None:
    bench = Bench()
    bench.occupy(threads.submit)
    calls = [threads.submit(bench.batched.run, "double", {"x": x}, ["y"], None) for x in (one, other, one)]
    bench.wait_for_tasks(3)
    bench.runtime.gate.set()
    for call, x in zip(calls, (one, other, one), strict=True):
        np.testing.assert_array_equal(call.result(30)[0], x * 2)
        assert call.result()[0].dtype == x.dtype
    assert sorted(bench.runtime.sizes[1:]) == [1, 2]


def test_rows_are_padded_where_that_is_asked_for(threads: ThreadPoolExecutor) -> None:
    bench = Bench(pad_variable_length_inputs=True)
    bench.occupy(threads.submit)
    calls = []
    for text in ([[b"a"]], [[b"b", b"c"]]):
        calls.append(threads.submit(bench.batched.run, "echo", {"text": np.array(text, object)}, ["text"], None))
        bench.wait_for_tasks(len(calls))
    bench.runtime.gate.set()
    assert [call.result(30)[0].tolist() for call in calls] == [[[b"a", b"a"]], [[b"b", b"c"]]]
    assert refusal(lambda: bench.double(*np.zeros((1,) * 7))) == (
        Code.INVALID_ARGUMENT, "Only tensors with rank from 1 to 6 can be padded."
    )  # fmt: skip


def test_batches_are_filled_up_to_an_allowed_size(threads: ThreadPoolExecutor) -> None:
    bench = Bench(max_batch_size=8, allowed_batch_sizes=(2, 4, 8))
    calls = queued(bench, threads, (1, 2), (3,))
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[0], [2, 4], [6]]
    assert [run["x"].tolist() for run in bench.runtime.runs] == [[0, 0], [1, 2, 3, 3]]


def test_a_full_batch_makes_room_for_the_next(threads: ThreadPoolExecutor) -> None:
    bench = Bench(max_batch_size=3)
    calls = queued(bench, threads, (1, 2), (3, 4), (5,))
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[0], [2, 4], [6, 8], [10]]
    assert bench.runtime.sizes == [1, 2, 3]


def test_a_full_queue_refuses(threads: ThreadPoolExecutor) -> None:
    bench = Bench(max_batch_size=2, max_enqueued_batches=2)
    calls = queued(bench, threads, (1, 2), (3,))
    message = (
        "The batch scheduling queue to which this task was submitted is full; "
        "currently 2 batches enqueued and max_enqueued_batches is 2"
    )
    assert refusal(lambda: bench.double(4, 5)) == (UNAVAILABLE, message)
    calls.append(threads.submit(bench.double, 6))  # fits into the open batch
    bench.wait_for_tasks(3)
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[0], [2, 4], [6], [12]]
    assert bench.double(4, 5) == [8, 10]


def test_large_calls_are_split(threads: ThreadPoolExecutor) -> None:
    options: dict[str, Any] = {"max_batch_size": 8, "enable_large_batch_splitting": True, "max_execution_batch_size": 3}
    bench = Bench(**options)
    assert bench.double(*range(8)) == [2 * x for x in range(8)]
    assert bench.runtime.sizes == [3, 3, 2]
    bench = Bench(**options)
    bench.occupy(threads.submit)
    calls = []
    for call in ((1, 2), (3, 4, 5)):
        calls.append(threads.submit(bench.double, *call))
        bench.wait_for_tasks(2 * len(calls) - 1)  # the second in two pieces: it fills the batch of the first
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[2, 4], [6, 8, 10]]
    assert bench.runtime.sizes == [1, 3, 2]


def test_a_split_call_fails_whole_and_gives_its_permit_back() -> None:
    bench = Bench(max_batch_size=8, enable_large_batch_splitting=True, max_execution_batch_size=2)
    assert refusal(lambda: bench.double(1, 2, 3, POISON, 5)) == (Code.INVALID_ARGUMENT, "poisoned")
    assert bench.scheduler.free_permits == 1
    assert bench.depth("tasks") == 0


def test_a_split_call_beyond_the_capacity_is_refused_whole(threads: ThreadPoolExecutor) -> None:
    bench = Bench(
        max_batch_size=8, enable_large_batch_splitting=True, max_execution_batch_size=2, max_enqueued_batches=2
    )
    calls = queued(bench, threads, (1, 2), (3,))
    message = (
        "The batch scheduling queue to which this task was submitted is full; task size is 3 but scheduling capacity "
        "is only 1 (num_enqueued_batches=2, max_enqueued_batches=2, open_batch_size=1, max_execution_batch_size=2)"
    )
    assert refusal(lambda: bench.double(4, 5, 6)) == (UNAVAILABLE, message)
    assert bench.depth("tasks") == 2
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[0], [2, 4], [6]]


@pytest.mark.parametrize(
    ("signature", "inputs", "outputs", "code", "message"),
    [
        ("nothing_in", {}, ["answer"], Code.INVALID_ARGUMENT, "Batching Run() must have at least one input tensor"),
        ("double", {"x": np.array(1.0)}, ["y"], Code.INVALID_ARGUMENT,
         "Batching Run() input tensors must have at least one dimension"),
        ("several", {"a": np.zeros(1), "b": np.zeros(2)}, ["sum", "a_twice"], Code.INVALID_ARGUMENT,
         "Batching Run() input tensors must have equal 0th-dimension size"),
        ("double", {"x": np.zeros(5)}, ["y"], Code.INVALID_ARGUMENT,
         "Task size 5 is larger than maximum input batch size 4"),
        ("total", {"x": np.zeros(2)}, ["total"], Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions"),
        ("half", {"x": np.zeros(2)}, ["half"], Code.FAILED_PRECONDITION,
         "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the input "
         "tensors"),
    ],
)  # fmt: skip
def test_what_cannot_be_batched(
    signature: str, inputs: dict[str, Array], outputs: list[str], code: Code, message: str
) -> None:
    bench = Bench(max_batch_size=4)
    assert refusal(lambda: bench.batched.run(signature, inputs, outputs, None)) == (code, message)
    assert bench.scheduler.free_permits == 1
    lenient = Bench(strict=False, max_batch_size=4)
    if signature != "several":  # which numpy refuses
        lenient.batched.run(signature, inputs, outputs, None)


def test_outputs_that_do_not_fit_are_asked_for_one_by_one(threads: ThreadPoolExecutor) -> None:
    bench = Bench(strict=False)
    bench.occupy(threads.submit)
    calls = [threads.submit(bench.batched.run, "total", {"x": np.array([1.0, x])}, ["total"], None) for x in (2, 3)]
    bench.wait_for_tasks(2)
    bench.runtime.gate.set()
    assert [float(call.result(30)[0]) for call in calls] == [3, 4]


def test_a_late_caller_leaves_and_its_neighbours_do_not_notice(threads: ThreadPoolExecutor) -> None:
    bench = Bench()
    first, hurried = queued(bench, threads, (1,), timeout_s=0.05)
    patient = threads.submit(bench.double, 2)
    assert refusal(hurried) == (LATE, "Run() timeout exceeded while waiting in batching queue")
    bench.wait_for_tasks(1)
    bench.runtime.gate.set()
    assert [first.result(30), patient.result(30)] == [[0], [4]]
    assert bench.runtime.sizes == [1, 1]


def test_a_caller_whose_rows_are_running_leaves_when_its_time_is_up(threads: ThreadPoolExecutor) -> None:
    bench = Bench(max_batch_size=2, batch_timeout_micros=3_600_000_000)
    bench.runtime.gate.clear()
    hurried = threads.submit(bench.double, 1, timeout_s=0.3)
    bench.wait_for_tasks(1)
    patient = threads.submit(bench.double, 2)  # fills the batch, and leads it
    assert refusal(hurried)[0] is LATE
    assert bench.runtime.sizes == [2]
    bench.runtime.gate.set()
    assert patient.result(30) == [4]
    assert bench.scheduler.free_permits == 1


def test_no_time_is_no_run() -> None:
    bench = Bench()
    assert refusal(lambda: bench.double(1, timeout_s=0))[0] is LATE
    assert bench.runtime.runs == []


def test_a_batch_has_the_time_of_its_most_patient_caller(threads: ThreadPoolExecutor) -> None:
    bench = Bench(clock_s=lambda: 100.0)
    bench.occupy(threads.submit)
    calls = [threads.submit(bench.double, 1, timeout_s=timeout_s) for timeout_s in (5, 9)]
    bench.wait_for_tasks(2)
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[2], [2]]
    assert bench.runtime.timeouts[1] == 9
    bench.occupy(threads.submit)
    calls = [threads.submit(bench.double, 1, timeout_s=timeout_s) for timeout_s in (5, None)]
    bench.wait_for_tasks(2)
    bench.runtime.gate.set()
    assert [call.result(30) for call in calls] == [[2], [2]]
    assert bench.runtime.timeouts[3] is None


def test_closing_closes_the_runtime_and_forgets_the_queues() -> None:
    bench = Bench()
    assert 'kmaas_batching_queue_tasks{model="m",version="1",signature="double"} 0' in bench.metrics.text()
    bench.batched.close()
    assert bench.runtime.closed
    assert "queue_tasks{" not in bench.metrics.text()


def test_metrics_of_batches(threads: ThreadPoolExecutor) -> None:
    bench = Bench(max_batch_size=4, allowed_batch_sizes=(4,))
    calls = queued(bench, threads, (1,), (2, 3))
    bench.runtime.gate.set()
    for call in calls:
        call.result(30)
    lines = bench.metrics.text().splitlines()
    for line in (
        "wrapped_run_count{} 2",
        "processed_batch_size_sum{} 8",
        "input_batch_size_sum{} 4",
        "input_batch_size_count{} 3",
        'padding_size_sum{execution_batch_size="4"} 4',
        'queuing_latency_count{thread_pool_name=""} 3',
    ):
        assert ":tensorflow:serving:batching_session:" + line in lines
