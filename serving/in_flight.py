"""How much is under way, and no more than that: requests, or bytes of them."""

import threading

MOST_CALLS = 256
"""Of each face by default: TensorFlow Serving refuses beyond four per core, where waiting a little would have done."""


class InFlight:
    """A sum with a limit. Thread-safe."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._count = 0
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        return self._count

    def enter(self, amount: int = 1) -> bool:
        """So much more, which must `leave`. False: it would be more than may be, and it must not."""
        with self._lock:
            if self._count + amount > self.limit:
                return False
            self._count += amount
            return True

    def leave(self, amount: int = 1) -> None:
        with self._lock:
            self._count -= amount
