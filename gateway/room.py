"""Memory for what stays as long as an answer is made: so much of it, and whoever finds too little left is refused."""

import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.deadline import Deadline
from gateway.errors import FullError


class Room:
    """Of one process. Safe to share between threads."""

    def __init__(self, most: int, *, readers: int) -> None:
        """`most` bytes. So many `readers` at once find out how much of it they need."""
        self._most = most
        self._readers = threading.Semaphore(readers)
        self._lock = threading.RLock()  # what is given back may be so in the middle of what takes
        self._taken = 0

    @contextmanager
    def reading(self, deadline: Deadline) -> Iterator[None]:
        """Waits for its turn to read what it will hold. Raises `DeadlineError` when that does not come in time."""
        while not self._readers.acquire(timeout=deadline.remaining_s()):
            pass
        try:
            yield
        finally:
            self._readers.release()

    def take(self, held: object, size: int) -> None:
        """Keeps so many bytes for `held`, until nobody has that any more. What alone is more than there is gets in
        where there is nothing else.

        Raises:
            FullError: what others hold leaves too little.
        """
        with self._lock:
            if self._taken and self._taken + size > self._most:
                raise FullError(self._taken, self._most)
            self._taken += size
        weakref.finalize(held, self._give_back, size).atexit = False

    def _give_back(self, size: int) -> None:
        with self._lock:
            self._taken -= size
