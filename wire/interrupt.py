"""What ends a running call from another thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Interrupt:
    """Fires once, for good. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: dict[object, Callable[[], object]] = {}
        self._fired = False

    @property
    def fired(self) -> bool:
        return self._fired

    def fire(self) -> None:
        with self._lock:
            self._fired = True
            ends, self._ends = list(self._ends.values()), {}
        for end in ends:
            end()

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[None]:
        """Calls `end` if it fires while the block runs; at once if it has."""
        key = object()
        with self._lock:
            fired = self._fired
            if not fired:
                self._ends[key] = end
        if fired:
            end()
        try:
            yield
        finally:
            with self._lock:
                self._ends.pop(key, None)
