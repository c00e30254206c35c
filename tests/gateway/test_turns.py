"""How many have their turn at once, and whose work goes first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Gauge

from gateway.deadline import Deadline
from gateway.turns import Turns
from tests.gateway.test_admission import Clock
from tests.support.processes import until


class Worker(threading.Thread):
    """Takes a turn, and keeps it until told."""

    def __init__(self, turns: Turns, clock: Clock) -> None:
        super().__init__()
        self.at_work, self.done = threading.Event(), threading.Event()
        self._turns, self._deadline = turns, Deadline.after(60, clock)

    def run(self) -> None:
        with self._turns.one(self._deadline):
            self.at_work.set()
            self.done.wait(60)


@contextmanager
def working(*workers: Worker) -> Iterator[None]:
    """Each is told to end, and has ended, with the block."""
    try:
        for worker in workers:
            worker.start()
        yield
    finally:
        for worker in workers:
            worker.done.set()
            worker.join()


def gauge() -> Gauge:
    return Gauge("waiting", "", registry=CollectorRegistry())


def value(of: Gauge) -> float:
    [metric] = of.collect()
    return metric.samples[0].value


def test_one_more_is_let_to_work_once_work_turns_out_to_be_long() -> None:
    waiting, clock = gauge(), Clock()
    turns = Turns(2, waiting, clock, apart_s=1)
    first, second = Worker(turns, clock), Worker(turns, clock)
    with working(first, second):
        until(lambda: value(waiting) == 1, "one waits: nobody knows yet how long work is")
        clock.now += 5
    third, fourth = Worker(turns, clock), Worker(turns, clock)
    with working(third, fourth):
        assert third.at_work.wait(60)
        assert fourth.at_work.wait(60)


def test_work_gives_way_to_other_work() -> None:
    clock = Clock()
    others = Turns(1, gauge(), clock)
    turns = Turns(1, gauge(), clock, behind=others.idle, give_way_s=60)
    other, late = Worker(others, clock), Worker(turns, clock)
    with working(other):
        assert other.at_work.wait(60)
        late.start()
        assert not late.at_work.wait(0.1)
    assert late.at_work.wait(60)
    late.done.set()
    late.join()


def test_but_not_for_ever() -> None:
    clock = Clock()
    others = Turns(1, gauge(), clock)
    other, late = Worker(others, clock), Worker(Turns(1, gauge(), clock, behind=others.idle), clock)
    with working(other):
        assert other.at_work.wait(60)
        with working(late):
            assert late.at_work.wait(60)
