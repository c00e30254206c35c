"""How long a call may take to send its message: a client that begins and then says nothing holds a thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gateway.deadline import Clock


class Patience:
    """Ends what waits for longer than `limit_s`. Safe to share between threads; `stop` it.

    Looks four times within the limit, so that waiting costs no more than a line in a table.
    """

    def __init__(self, limit_s: float, clock: Clock) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[float, Callable[[], object]]] = {}
        self._number = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="grpc-patience", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    @contextmanager
    def waiting(self, end: Callable[[], object]) -> Iterator[None]:
        """`end` is called, from another thread, if the block takes too long."""
        with self._lock:
            self._number += 1
            number = self._number
            self._waiting[number] = (self._clock() + self._limit_s, end)
        try:
            yield
        finally:
            with self._lock:
                self._waiting.pop(number, None)

    def end_overdue(self) -> None:
        now = self._clock()
        with self._lock:
            overdue = [number for number, (ends_at, _) in self._waiting.items() if ends_at <= now]
            ends = [self._waiting.pop(number)[1] for number in overdue]
        for end in ends:
            end()

    def _run(self) -> None:
        while not self._stopped.wait(self._limit_s / 4):
            self.end_overdue()
