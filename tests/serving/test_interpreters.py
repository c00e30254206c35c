"""The pool of interpreters: who gets which, how many there are, and what becomes of one that failed."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from serving.errors import Code, RequestError
from serving.runtimes.interpreters import Interpreters, Run
from wire.tensors import Array

ONE, TWO = {"x": np.ones(1)}, {"x": np.ones(2)}


class Made:
    """Makes interpreters that answer with their number; told to hold, each waits until `release`."""

    def __init__(self, *, hold: bool = False) -> None:
        self.count = 0
        self.running = threading.Semaphore(0)
        self.release = threading.Event()
        if not hold:
            self.release.set()

    def __call__(self) -> Run:
        self.count += 1
        number = self.count

        def run(signature: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
            self.running.release()
            assert self.release.wait(30)
            if signature == "broken":
                raise RuntimeError("gather index out of bounds")
            return {"number": np.array(number)}

        return run


def test_one_is_made_when_all_are_busy_and_no_more_than_allowed() -> None:
    made = Made(hold=True)
    pool = Interpreters(made, 2)
    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(pool.run, "s", ONE, 30) for _ in range(3)]
        assert made.running.acquire(timeout=30)
        assert made.running.acquire(timeout=30)
        made.release.set()
        assert {int(answer.result()["number"]) for answer in answers} <= {1, 2}
    assert made.count == 2


def test_who_waits_for_one_in_vain_is_told_so() -> None:
    made = Made(hold=True)
    pool = Interpreters(made, 1)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(pool.run, "s", ONE, None)
        assert made.running.acquire(timeout=30)
        with pytest.raises(RequestError, match="Timed out waiting for notification") as caught:
            pool.run("s", ONE, 0.01)
        assert caught.value.code is Code.DEADLINE_EXCEEDED
        made.release.set()
        assert running.result()["number"] == 1


def test_the_same_shapes_go_where_they_went_before() -> None:
    made = Made(hold=True)
    pool = Interpreters(made, 2)
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(pool.run, "s", ONE, None), threads.submit(pool.run, "s", TWO, None)
        assert made.running.acquire(timeout=30)
        assert made.running.acquire(timeout=30)
        made.release.set()
        number = {"one": int(first.result()["number"]), "two": int(second.result()["number"])}
    for name, inputs in (("two", TWO), ("one", ONE), ("one", ONE), ("two", TWO)):
        assert pool.run("s", inputs, None)["number"] == number[name]
    assert made.count == 2


def test_one_that_failed_is_not_used_again_and_leaves_room_for_another() -> None:
    made = Made()
    pool = Interpreters(made, 1)
    with pytest.raises(RequestError, match="gather index out of bounds") as caught:
        pool.run("broken", ONE, 1)
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert pool.run("s", ONE, 1)["number"] == 2


def test_closed_it_holds_none() -> None:
    made = Made()
    pool = Interpreters(made, 1)
    pool.run("s", ONE, 1)
    pool.close()
    assert pool.run("s", ONE, 1)["number"] == 2
