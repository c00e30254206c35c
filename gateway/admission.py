"""Who is let in: so many requests at once, so many of them worked on. Who is not is told so before the body is read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from gateway.deadline import Deadline
from gateway.errors import BusyError, DeadlineError


class Admission:
    """Bounds the threads that callers can hold, and with the work at once also its memory. Safe to share.

    A caller holds its place as long as it likes to send its body; the places are fewer than the server's threads, so
    that probes, and those to be turned away, always find one.
    """

    def __init__(self, places: int, workers: int, inside: Gauge, waiting: Gauge) -> None:
        """The gauges tell who has a place, and who of them waits for a turn."""
        self._limit = places
        self._inside = inside
        self._waiting = waiting
        self._places = threading.Semaphore(places)
        self._workers = threading.Semaphore(workers)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises `BusyError` at once when every place is taken."""
        if not self._places.acquire(blocking=False):
            raise BusyError(self._limit)
        self._inside.inc()
        try:
            yield
        finally:
            self._inside.dec()
            self._places.release()

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
