"""Who is let in, and who is told at once that it is in vain."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge

from gateway import turns
from gateway.admission import Admission
from gateway.deadline import Deadline
from gateway.errors import DeadlineError, GatewayError, LongQueueError
from gateway.waiting import abreast, expected_s, smoothed, typical_s
from tests.support.processes import until


def test_the_time_until_an_answer() -> None:
    assert expected_s(ahead=0, workers=1, work_s=2) == 4
    assert expected_s(ahead=7, workers=4, work_s=0.5) == 1.5


def test_work_takes_what_it_took_or_what_it_takes_just_now() -> None:
    assert typical_s(None, []) == 0
    assert typical_s(None, [1, 3]) == 2
    assert typical_s(3, [1, 3]) == 3
    assert typical_s(1, [1, 3]) == 2


def test_short_work_goes_one_after_another_and_long_work_abreast() -> None:
    at_once = [abreast(4, work_s, 0.01) for work_s in (None, 0.001, 0.019, 0.02, 0.039, 0.05, 60)]
    assert at_once == [1, 1, 1, 2, 3, 4, 4]


@given(st.lists(st.floats(0, 60), min_size=1))
def test_the_mean_stays_within_what_was_seen(taken: list[float]) -> None:
    mean: float | None = None
    for seconds in taken:
        mean = smoothed(mean, seconds)
    assert mean is not None
    assert min(taken) - 1e-9 <= mean <= max(taken) + 1e-9


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Watched(Admission):
    """That lets the tests see who waits."""

    def __init__(self, places: int, workers: int, waiting: Gauge, clock: Clock) -> None:
        super().__init__(places, workers, waiting, clock)
        self._gauge = waiting

    @property
    def waiting(self) -> int:
        [metric] = self._gauge.collect()
        return int(metric.samples[0].value)


@contextmanager
def one_worker_of(seconds: float) -> Iterator[tuple["Watched", Clock]]:
    """One worker, at work; work took so long until now."""
    clock = Clock()
    admission = Watched(8, 1, Gauge("waiting", "", registry=CollectorRegistry()), clock)
    with admission.work(Deadline.after(60, clock)):
        clock.now += seconds
    with admission.work(Deadline.after(60, clock)):
        yield admission, clock


def test_who_would_wait_too_long_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_LOOK_S", 600)
    with (
        one_worker_of(5) as (admission, clock),
        pytest.raises(LongQueueError) as refused,
        admission.work(Deadline.after(9, clock)),
    ):
        pytest.fail("it is not its turn")
    assert refused.value.retry_after_s == 10


def test_who_may_be_in_time_waits() -> None:
    with one_worker_of(0.001) as (admission, _), pytest.raises(DeadlineError), admission.work(Deadline.after(0.01)):
        pytest.fail("it is not its turn")
    assert admission.waiting == 0


def test_turns_are_in_the_order_of_arrival() -> None:
    done: list[int] = []
    with one_worker_of(0.001) as (admission, _):
        threads = [threading.Thread(target=_noted, args=(admission, done, number)) for number in range(5)]
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(lambda: admission.waiting == number, "it waits")  # noqa: B023 (called here)
    for thread in threads:
        thread.join()
    assert done == list(range(5))
    with admission.work(Deadline.after(60)):
        pass


def test_what_takes_longer_than_ever_counts_while_it_lasts() -> None:
    """Two wait for a worker that is stuck: the second gives up as soon as it is in vain."""
    with one_worker_of(0.001) as (admission, clock):
        found: list[type[Exception]] = []
        first = threading.Thread(target=_noted_end, args=(admission, found, Deadline.after(1000, clock)))
        first.start()
        until(lambda: admission.waiting == 1, "one waits")
        second = threading.Thread(target=_noted_end, args=(admission, found, Deadline.after(20, clock)))
        second.start()
        until(lambda: admission.waiting == 2, "two wait")
        clock.now += 6  # three times six, and the clock has gone six of the twenty
        second.join()
        assert found == [LongQueueError]
    first.join()
    assert found == [LongQueueError]


def test_what_has_begun_waits_as_long_as_it_has_time() -> None:
    """A text half of which is written cannot go elsewhere, however slow the last steps were."""
    found: list[type[Exception] | None] = []
    with one_worker_of(50) as (admission, clock):
        with pytest.raises(LongQueueError), admission.work(Deadline.after(9, clock)):
            pytest.fail("it is not its turn")
        late, in_time = (
            threading.Thread(target=_begun, args=(admission, Deadline.after(limit_s, clock), found))
            for limit_s in (0.01, 9)
        )
        late.start()
        in_time.start()
        until(lambda: admission.waiting == 2, "both wait")
        clock.now += 8
        late.join()
        assert found == [DeadlineError]
    in_time.join()
    assert found == [DeadlineError, None]


def test_those_who_wait_already_count() -> None:
    with one_worker_of(2) as (admission, clock):
        waits = threading.Thread(target=_worked, args=(admission, Deadline.after(5, clock)))
        waits.start()
        until(lambda: admission.waiting == 1, "one waits")
        with pytest.raises(LongQueueError, match="1 requests wait before"), admission.work(Deadline.after(5, clock)):
            pytest.fail("it is not its turn")
    waits.join()
    assert admission.waiting == 0


def _begun(admission: Admission, deadline: Deadline, found: list[type[Exception] | None]) -> None:
    try:
        with admission.work(deadline, begun=True):
            found.append(None)
    except GatewayError as exc:
        found.append(type(exc))


def _noted(admission: Admission, done: list[int], number: int) -> None:
    with admission.work(Deadline.after(60)):
        done.append(number)


def _noted_end(admission: Admission, found: list[type[Exception]], deadline: Deadline) -> None:
    try:
        with admission.work(deadline):
            pass
    except GatewayError as exc:
        found.append(type(exc))


def _worked(admission: Admission, deadline: Deadline) -> None:
    with admission.work(deadline):
        pass
