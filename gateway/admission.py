"""Who is let in: so many requests at once, so many of them worked on. Who is not is told so before the body is read."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.deadline import Deadline
from gateway.errors import BusyError, DeadlineError


class Admission:
    """Bounds the threads that callers can hold, and with the work at once also its memory. Safe to share.

    A caller holds its place as long as it likes to send its body; the places are fewer than the server's threads, so
    that probes, and those to be turned away, always find one.
    """

    def __init__(self, places: int, workers: int) -> None:
        self._limit = places
        self._places = threading.Semaphore(places)
        self._workers = threading.Semaphore(workers)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Raises `BusyError` at once when every place is taken."""
        if not self._places.acquire(blocking=False):
            raise BusyError(self._limit)
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def work(self, deadline: Deadline) -> Iterator[None]:
        """Waits for its turn. Raises `DeadlineError` when that does not come in time."""
        if not self._workers.acquire(timeout=deadline.remaining_s()):
            raise DeadlineError(deadline.limit_s)
        try:
            yield
        finally:
            self._workers.release()
