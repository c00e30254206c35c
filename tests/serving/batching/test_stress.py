"""Many callers at once, some late, some poisoned: each is answered exactly once, with its own rows."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from serving.batching.batched import Batched
from serving.batching.parameters import BatchingParameters
from serving.batching.scheduler import Scheduler
from serving.batching.task import Call, Task
from serving.errors import Code, RequestError
from serving.metrics import Metrics
from serving.runtimes.options import RuntimeOptions
from serving.runtimes.saved_model import SavedModel
from tests.serving.batching.held import POISON, Bench
from tests.support import saved_models
from tests.support.processes import until
from wire.tensors import Array

THREADS = 32
CALLS = 30  # of each thread


@pytest.mark.parametrize(
    ("permits", "parameters"),
    [
        (1, {"max_batch_size": 16}),
        (3, {"max_batch_size": 8, "batch_timeout_micros": 500, "allowed_batch_sizes": (2, 8)}),
        (2, {"max_batch_size": 8, "enable_large_batch_splitting": True, "max_execution_batch_size": 3}),
        (2, {"max_batch_size": 8, "max_enqueued_batches": 1, "batch_timeout_micros": 200}),
    ],
)
def test_every_caller_is_answered_once(permits: int, parameters: dict[str, Any]) -> None:
    bench = Bench(permits, **parameters)
    bench.runtime.work = bytes(2**20)
    answers: list[str] = []
    together = threading.Barrier(THREADS)

    def caller(seed: int) -> None:
        source = random.Random(seed)
        together.wait()
        answers.extend(one_call(bench, seed, source) for _ in range(CALLS))

    threads = [threading.Thread(target=caller, args=(seed,), daemon=True) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == THREADS * CALLS, "somebody waits for ever"
    assert {"right", "poisoned"} <= set(answers) <= {"right", "poisoned", "late", "full"}
    assert any(len(callers(run["x"])) > 1 for run in bench.runtime.runs), "nothing ran together"
    until(lambda: bench.scheduler.free_permits == permits, "helpers end the pieces of callers who left")
    assert bench.depth("tasks") == 0
    assert bench.double(1, 2) == [2, 4]


def one_call(bench: Bench, seed: int, source: random.Random) -> str:
    """What became of one call of random rows, which tell their caller: 'wrong' is nothing that may happen."""
    x = [seed + source.random() for _ in range(source.randint(1, 8))]
    poisoned = source.random() < 0.1
    if poisoned:
        x[source.randrange(len(x))] = POISON
    try:
        y = bench.double(*x, timeout_s=source.choice([None, None, None, 0.002]))
    except RequestError as exc:
        if exc.code is Code.INVALID_ARGUMENT:
            return "poisoned" if poisoned else "wrong"
        return {Code.DEADLINE_EXCEEDED: "late", Code.UNAVAILABLE: "full"}.get(exc.code, "wrong")
    return "right" if not poisoned and y == [value * 2 for value in x] else "wrong"


def callers(x: Array) -> set[int]:
    return set(np.floor(x).astype(int).tolist()) - {int(POISON)}


def test_a_task_cannot_be_settled_twice() -> None:
    task = Task(Call({}, 1, 0, None), {}, 1)
    task.settle([])
    with pytest.raises(AssertionError, match="answered once"):
        task.settle([])


@pytest.mark.parametrize(
    ("error", "followers"),
    [
        pytest.param(KeyboardInterrupt(), RequestError, id="interrupt"),  # it reaches the main thread, which may lead
        pytest.param(ZeroDivisionError("a defect"), ZeroDivisionError, id="defect"),
    ],
)
def test_a_leader_that_fails_leaves_nobody_waiting(error: BaseException, followers: type[Exception]) -> None:
    bench = Bench(max_batch_size=2, batch_timeout_micros=3_600_000_000)
    bench.runtime.error = error
    with ThreadPoolExecutor(1) as threads:
        follower = threads.submit(bench.double, 1)
        bench.wait_for_tasks(1)
        with pytest.raises(type(error)):
            bench.double(2)
        with pytest.raises(followers):
            follower.result(30)
    assert bench.scheduler.free_permits == 1


def test_callers_of_a_real_model_get_what_they_would_get_alone() -> None:
    options = RuntimeOptions(intra_op_threads=1, inter_op_threads=1)
    model = SavedModel(saved_models.folder() / "many", options)
    scheduler = Scheduler(1, Metrics())
    batched = Batched(model, BatchingParameters(max_batch_size=8), scheduler, model="many", version=1)

    def caller(seed: int) -> None:
        source = np.random.default_rng(seed)
        for _ in range(20):
            rows = int(source.integers(1, 5))
            a, b = source.normal(size=(2, rows)).astype("f4")
            total, difference = batched.run("serving_default", {"a": a, "b": b}, ["sum", "difference"], 30)
            assert_array_equal(total, a + b)
            assert_array_equal(difference, a - b)
            text = source.bytes(rows * 3)
            words = np.array([text[3 * row : 3 * row + 3] for row in range(rows)], object)
            assert batched.run("strings", {"text": words}, ["text", "text_bytes"], 30)[1].tolist() == words.tolist()
            x = source.normal(size=(rows, 4)).astype("f4")
            assert_allclose(batched.run("matmul", {"x": x}, ["y"], 30)[0][:, 0], x.sum(1), atol=1e-5)
            with pytest.raises(RequestError, match="Matrix size-incompatible"):
                batched.run("matmul", {"x": x[:, :3]}, ["y"], 30)

    with ThreadPoolExecutor(16) as threads:
        for done in [threads.submit(caller, seed) for seed in range(16)]:
            done.result(120)
    batched.close()
