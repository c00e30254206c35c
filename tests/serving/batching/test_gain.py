"""Where zero-wait batching is used: only for signatures that may be merged, and gain by it."""

import threading
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from serving.batching.batched import Batched
from serving.batching.gain import BATCH, Gain, measure
from serving.batching.scheduler import Scheduler
from serving.errors import RequestError
from serving.metrics import Metrics
from tests.serving.batching.held import POISON, Held
from wire.tensors import Array


class Timed(Held):
    """A `Held` whose runs take so many microseconds of its own clock, by their rows."""

    def __init__(self, cost_us: Mapping[int, float]) -> None:
        super().__init__()
        self._cost_us = cost_us
        self._now_s = 0.0
        self._lock = threading.Lock()

    def clock_s(self) -> float:
        with self._lock:
            return self._now_s

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        with self._lock:
            self._now_s += self._cost_us[len(next(iter(inputs.values()), [0]))] / 1e6
        return super().run(signature, inputs, outputs, timeout_s)


@pytest.mark.parametrize(
    ("us_alone", "us_batched", "helps"),
    [(300, 100, True), (200, 130, True), (156, 100, True), (150, 100, False), (100, 120, False), (20, 2, False)],
)
def test_what_counts_as_help(us_alone: float, us_batched: float, helps: bool) -> None:
    """A batched row pays 30 µs for its way between threads; a fifth more must be left."""
    assert Gain(us_alone, us_batched).helps is helps


def test_rows_are_timed_alone_and_together() -> None:
    runtime = Timed({1: 400, BATCH: 800})
    gain = measure(runtime, {}, clock_s=runtime.clock_s)["double"]
    assert gain.us_alone == pytest.approx(400)
    assert gain.us_batched == pytest.approx(100)


def test_rows_that_answer_otherwise_in_company_are_never_batched() -> None:
    """Whatever is known of the signature: without samples rows that differ are made up."""
    runtime = Timed({1: 400, BATCH: 800})
    for samples in ({}, {"centred": [{"x": np.array([value])} for value in (1.0, 2.0)]}):
        assert set(measure(runtime, samples, clock_s=runtime.clock_s)) == {"double", "several", "echo", "count"}


def test_a_signature_that_changes_state_is_not_tried_out() -> None:
    runtime = Timed({1: 400, BATCH: 800})
    runtime.pure = {"double"}
    samples = {name: [{"x": np.array([7.0])}, {"x": np.array([8.0])}] for name in ("count", "double")}
    assert set(measure(runtime, samples, clock_s=runtime.clock_s)) == {"double"}
    assert {name for name in runtime.asked if name != "double"} == set()


def test_samples_that_are_refused_leave_a_signature_as_it_is() -> None:
    runtime = Timed({1: 400, BATCH: 800})
    refused = {"several": [{"a": np.array([POISON]), "b": np.array([value])} for value in (1.0, 2.0)]}
    assert "several" not in measure(runtime, refused, clock_s=runtime.clock_s)


def test_a_slow_signature_is_not_measured_for_long() -> None:
    runtime = Timed({1: 100_000, 0: 100_000})
    assert measure(runtime, {}, clock_s=runtime.clock_s) == {}


def test_zero_wait_batches_what_gains_and_lets_the_rest_pass() -> None:
    runtime = Held()
    batched = Batched.zero_wait(runtime, Scheduler(1, Metrics()), model="m", version=1, samples={})
    assert set(batched.gains) == {"double", "several", "echo", "count"}
    assert set(batched.batched_signatures) == {name for name, gain in batched.gains.items() if gain.helps}
    assert batched.facts["runtime"] == "held"
    assert "double " in batched.facts["batching"]
    for signature in ("total", "half"):
        assert batched.run(signature, {"x": np.array(3.0)[None]}, [signature], None)[0] == 3
    assert batched.run("nothing_in", {}, ["answer"], None)[0].tolist() == [42]
    assert batched.run("double", {"x": np.array(3.0)}, ["y"], None)[0] == 6  # a scalar
    assert len(batched.run("double", {"x": np.zeros(100)}, ["y"], None)[0]) == 100  # more than one run would take
    with pytest.raises(RequestError, match="poisoned"):
        batched.run("double", {"x": np.array([POISON])}, ["y"], None)
