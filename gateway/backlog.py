"""What is done behind callers' backs: a bounded queue, and threads of their own."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")

_ELEMENT_BYTES = 32  # of a list of numbers, as Python keeps them

_log = logging.getLogger(__name__)


class Backlog(Generic[T]):
    """Its threads begin with the first item. Safe to share; `offer` never waits, never raises.

    Args:
        name: of its threads, and of what it does in the log.
        run: what is done with an item; what it raises is logged.
        items, memory: how many items may wait, and how many bytes of them.
    """

    def __init__(self, name: str, run: Callable[[T], None], *, threads: int, items: int, memory: int) -> None:
        self._name = name
        self._run = run
        self._threads = threads
        self._items = items
        self._memory = memory
        self._waiting: deque[tuple[T, int]] = deque()
        self._held = 0  # bytes of those that wait
        self._running = 0
        self._changed = threading.Condition()
        self._begun = False

    def offer(self, item: T, size: int) -> bool:
        """`size` in bytes. False: too much waits, the item is dropped."""
        with self._changed:
            if len(self._waiting) >= self._items or self._held + size > self._memory:
                return False
            self._waiting.append((item, size))
            self._held += size
            self._changed.notify_all()
            begin, self._begun = not self._begun, True
        if begin:
            for number in range(self._threads):
                threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()
        return True

    def drain(self, patience_s: float) -> bool:
        """Returns when everything is done, or after so many seconds; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._running, patience_s)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                item, size = self._waiting.popleft()
                self._held -= size
                self._running += 1
            try:
                self._run(item)
            except Exception:  # whatever it is, the next items have their turn
                _log.exception("%s failed", self._name)
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()


def weight(value: Any) -> int:
    """About how many bytes a request keeps alive."""
    match value:
        case bytes() | str():
            return len(value)
        case BaseModel():
            return sum(weight(part) for part in vars(value).values())
        case Mapping():
            return sum(weight(part) for part in value.values())
        case list() | tuple() if value and not isinstance(value[0], (int, float)):
            return sum(weight(part) for part in value)
        case list() | tuple():
            return len(value) * _ELEMENT_BYTES
        case _:
            return int(getattr(value, "nbytes", _ELEMENT_BYTES))
