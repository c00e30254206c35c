"""Those who found no slot: first come, first served, and only the first of them looks again."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from gateway.deadline import Deadline

_LOOK_S = 0.05  # so often the first one looks: others than this process may have given a slot back


class Line:
    """Safe to share between threads."""

    def __init__(self, look_s: float = _LOOK_S) -> None:
        self._look_s = look_s
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self._given_back = 0

    @contextmanager
    def place(self, deadline: Deadline) -> Iterator[Callable[[], None]]:
        """What waits, whenever it is called, until it is worth looking again: the place in the line is kept until the
        block is left. Raises `DeadlineError` when the time is over, and `CallerLeftError` when nobody waits."""
        who = object()
        try:
            yield lambda: self._wait(who, deadline)
        finally:
            with self._changed:
                if who in self._waiting:
                    self._waiting.remove(who)
                    self._changed.notify_all()

    def given_back(self) -> None:
        """A slot is free: the first one looks at once."""
        with self._changed:
            self._given_back += 1
            self._changed.notify_all()

    def _wait(self, who: object, deadline: Deadline) -> None:
        interrupt = deadline.interrupt
        with interrupt.ending(self._wake) if interrupt else nullcontext(), self._changed:
            if who not in self._waiting:
                self._waiting.append(who)
            before = self._given_back
            while self._waiting[0] is not who:
                self._changed.wait(deadline.remaining_s())
            if self._given_back == before:
                self._changed.wait(min(self._look_s, deadline.remaining_s()))
            deadline.remaining_s()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
