"""Callers of one signature travel together: who is alone never waits, who was in the last run is waited for."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from serving.batching.gathered import Gathered
from serving.errors import Code, RequestError
from serving.metrics import Metrics
from tests.serving.batching.held import POISON, Held
from tests.support.processes import until
from wire.tensors import Array

RUN_S = 0.2  # by the clock of the tests
PATIENCE = 0.25


class Travel:
    """A `Gathered` around a `Held` whose runs take `RUN_S` by a clock that only they and tests move."""

    def __init__(self, **options: Any) -> None:
        self.now_s = 0.0
        self.runtime = Slow(self)
        self.threads = ThreadPoolExecutor(8)
        self.gathered = Gathered(
            self.runtime,
            "double",
            Metrics(),
            clock_s=lambda: self.now_s,
            **{"most_patience_s": RUN_S, "patience": PATIENCE, **options},
        )

    def _double(self, x: Sequence[float], timeout_s: float | None) -> list[float]:
        found: list[float] = self.gathered.run("double", {"x": np.array(x, float)}, ["y"], timeout_s)[0].tolist()
        return found

    def ask(self, *x: float, timeout_s: float | None = None) -> "Future[list[float]]":
        return self.threads.submit(self._double, x, timeout_s)

    def asked(self, *x: float, timeout_s: float | None = None) -> "Future[list[float]]":
        """`ask`, once its call waits in line."""
        waiting = len(self.gathered.line)
        future = self.ask(*x, timeout_s=timeout_s)
        until(lambda: len(self.gathered.line) > waiting, "the call waits")
        return future

    def released(self, first: "Future[list[float]]") -> None:
        """Ends the first run, whose caller stays away."""
        self.runtime.gate.set()
        assert first.result(30) == [0]
        self.now_s += RUN_S

    def answers(self, *calls: "Future[list[float]]") -> list[list[float]]:
        """While time goes by."""

        def answered() -> bool:
            self.now_s += RUN_S
            return all(call.done() for call in calls)

        until(answered, "all are answered")
        return [call.result() for call in calls]

    def begun(self, *x: float) -> "Future[list[float]]":
        """`ask`, once it runs and is held by the runtime's gate."""
        self.runtime.gate.clear()
        runs = len(self.runtime.runs)
        future = self.ask(*x)
        until(lambda: len(self.runtime.runs) > runs, "the call runs")
        return future


class Slow(Held):
    def __init__(self, travel: Travel) -> None:
        super().__init__()
        self._travel = travel

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        found = super().run(signature, inputs, outputs, timeout_s)
        self._travel.now_s += RUN_S
        return found


@pytest.fixture
def travel() -> Iterator[Travel]:
    travel = Travel()
    yield travel
    travel.runtime.gate.set()
    travel.threads.shutdown()


def together(travel: Travel) -> None:
    """A run after which two callers are away."""
    first = travel.begun(0)
    others = [travel.asked(1), travel.asked(2)]
    travel.released(first)
    assert [call.result(30) for call in others] == [[2], [4]]
    assert travel.runtime.sizes == [1, 2]


def test_who_is_alone_never_waits(travel: Travel) -> None:
    assert [travel.ask(x).result(30) for x in (1, 2, 3)] == [[2], [4], [6]]
    assert travel.runtime.sizes == [1, 1, 1]


def test_who_comes_back_is_waited_for(travel: Travel) -> None:
    together(travel)
    back = travel.asked(3)
    assert travel.runtime.sizes == [1, 2]
    assert travel.ask(4).result(30) == [8]
    assert back.result(30) == [6]
    assert travel.runtime.sizes == [1, 2, 2]


def test_who_stays_away_is_not_waited_for_longer_than_a_part_of_a_run(travel: Travel) -> None:
    together(travel)
    back = travel.asked(3, timeout_s=10 * RUN_S)
    travel.now_s += PATIENCE * RUN_S
    another = travel.ask(4)  # which wakes those who wait
    assert [back.result(30), another.result(30)] == [[6], [8]]


def test_a_full_run_waits_for_nobody() -> None:
    travel = Travel(most_rows=2)
    together(travel)
    assert travel.ask(3, 4).result(30) == [6, 8]
    assert travel.runtime.sizes == [1, 2, 2]
    travel.threads.shutdown()


def test_who_does_not_fit_goes_with_the_next() -> None:
    travel = Travel(most_rows=3)
    first = travel.begun(0)
    calls = [travel.asked(1, 2), travel.asked(3, 4), travel.asked(5)]
    travel.released(first)
    assert travel.answers(*calls) == [[2, 4], [6, 8], [10]]
    assert travel.runtime.sizes == [1, 3, 2]
    assert travel.answers(travel.ask(*range(5))) == [[0, 2, 4, 6, 8]]
    travel.threads.shutdown()


def test_rows_of_another_form_take_turns(travel: Travel) -> None:
    first = travel.begun(0)
    wide = travel.threads.submit(travel.gathered.run, "double", {"x": np.ones((1, 2))}, ["y"], None)
    until(lambda: len(travel.gathered.line) == 1, "the wide one waits")
    narrow = travel.asked(1)
    travel.released(first)
    assert wide.result(30)[0].tolist() == [[2, 2]]
    travel.now_s += RUN_S
    assert narrow.result(30) == [2]
    assert travel.runtime.sizes == [1, 1, 1]


def test_whose_time_is_up_leaves_the_line(travel: Travel) -> None:
    first = travel.begun(0)
    late = travel.asked(1, timeout_s=RUN_S / 2)
    patient = travel.asked(2)
    travel.released(first)
    with pytest.raises(RequestError) as caught:
        late.result(30)
    assert caught.value.code is Code.DEADLINE_EXCEEDED
    assert patient.result(30) == [4]
    assert not travel.gathered.line


def test_a_poisoned_call_harms_itself_only(travel: Travel) -> None:
    first = travel.begun(0)
    poisoned, neighbour = travel.asked(POISON), travel.asked(2)
    travel.released(first)
    assert neighbour.result(30) == [4]
    with pytest.raises(RequestError, match="poisoned"):
        poisoned.result(30)
    travel.now_s += RUN_S
    assert travel.ask(3).result(30) == [6]


def test_an_interrupted_run_leaves_nobody_waiting(travel: Travel) -> None:
    first = travel.begun(0)
    calls = [travel.asked(1), travel.asked(2)]
    travel.runtime.gate.set()
    assert first.result(30) == [0]
    travel.runtime.error = KeyboardInterrupt()
    travel.now_s += RUN_S
    ends = {type(call.exception(30)) for call in calls}
    assert ends == {KeyboardInterrupt, RequestError}
    travel.runtime.error = None
    travel.now_s += RUN_S
    assert travel.ask(3).result(30) == [6]


def test_other_signatures_and_calls_that_are_not_whole_go_by(travel: Travel) -> None:
    first = travel.begun(0)
    calls = {
        "another signature": ("echo", {"text": np.array([b"a"], object)}, ["text"]),
        "no output": ("double", {"x": np.array([1.0])}, []),
        "no rows": ("double", {"x": np.zeros(0)}, ["y"]),
    }
    runs = [travel.threads.submit(travel.gathered.run, *call, None) for call in calls.values()]
    until(lambda: len(travel.runtime.runs) == 1 + len(calls), "they run beside the first")
    travel.runtime.gate.set()
    assert [len(run.result(30)) for run in runs] == [1, 0, 1]
    assert first.result(30) == [0]


def test_outputs_come_in_the_order_they_are_asked_in() -> None:
    gathered = Gathered(Held(), "several", Metrics())
    inputs = {"a": np.array([1.0]), "b": np.array([2.0])}
    [total], [twice] = gathered.run("several", inputs, ["sum", "a_twice"], None)
    assert (total, twice.tolist()) == (3, [1, 1])
    assert gathered.facts["gathering"] == "several"


def test_many_callers_each_get_their_own_answers() -> None:
    gathered = Gathered(Held(), "double", Metrics())
    barrier = threading.Barrier(8)

    def caller(number: int) -> list[float]:
        barrier.wait()
        asked = [np.array([100.0 * number + step]) for step in range(50)]
        return [gathered.run("double", {"x": x}, ["y"], 30)[0][0] for x in asked]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(caller, range(8)))
    assert answers == [[2 * (100.0 * number + step) for step in range(50)] for number in range(8)]
