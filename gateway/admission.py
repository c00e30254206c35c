"""Who is let in: so many requests at once, so many of them worked on. Who is not is told so before the body is read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from gateway.deadline import Deadline
from gateway.errors import BusyError, DeadlineError
from gateway.place import Place, slowest


class Admission:
    """Bounds the threads that callers can hold, and with the work at once also its memory. Safe to share.

    A caller that sends its body slowly loses its place when another needs it. The places are fewer than the server's
    threads, so that probes, and those to be turned away, always find one.
    """

    def __init__(self, places: int, workers: int, inside: Gauge, waiting: Gauge) -> None:
        """The gauges tell who has a place, and who of them waits for a turn."""
        self._limit = places
        self._inside = inside
        self._waiting = waiting
        self._lock = threading.Lock()
        self._taken = 0
        self._holders: set[Place] = set()  # with those that lost their place and do not know it yet
        self._workers = threading.Semaphore(workers)

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Raises `BusyError` at once when every place is taken."""
        place = Place()
        with self._lock:
            if self._taken == self._limit:
                self._take_from_slowest()
            self._taken += 1
            self._holders.add(place)
        self._inside.inc()
        try:
            yield place
        finally:
            with self._lock:
                self._holders.discard(place)
                kept = not place.lost
                self._taken -= kept
            if kept:
                self._inside.dec()

    def _take_from_slowest(self) -> None:
        while slow := slowest(self._holders):
            if slow.take():
                self._taken -= 1
                self._inside.dec()
                return
        raise BusyError(self._limit)

    def longest_wait_s(self) -> float:
        """For how long the body that has been waited for longest has been, 0 if none is."""
        with self._lock:
            waits = [pace[1] for place in self._holders if (pace := place.slow_since())]
        return max(waits, default=0.0)

    @contextmanager
    def work(self, deadline: Deadline) -> Iterator[None]:
        """Waits for its turn. Raises `DeadlineError` when that does not come in time."""
        if not (self._workers.acquire(blocking=False) or self._waited(deadline)):
            raise DeadlineError(deadline.limit_s)
        try:
            yield
        finally:
            self._workers.release()

    def _waited(self, deadline: Deadline) -> bool:
        with self._waiting.track_inprogress():
            return self._workers.acquire(timeout=deadline.remaining_s())
