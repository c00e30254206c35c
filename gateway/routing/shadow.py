"""Copies of answered calls, for versions that only show what they would have answered: in threads of their own."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from gateway.model import Model
from gateway.routing.live import Live
from gateway.tasks.base import AnyTask, Request
from gateway.version import ServedVersion

_log = logging.getLogger(__name__)

_ELEMENT_BYTES = 32  # of a list of numbers, as Python keeps them


@dataclass(frozen=True)
class Copy:
    """An answered call for another version to answer. `to` names the version that is looked at, `ask` the one to ask:
    the same for a shadow, the route's own for the answer of a canary.
    """

    live: Live
    model: Model
    to: int | str
    ask: int | str | None
    version: ServedVersion  # the one that answered
    task: AnyTask
    request: Request
    answer: BaseModel


class Shadows:
    """A bounded queue and its threads, begun with the first copy. Safe to share; never waits, never raises.

    Args:
        run: what is done with a copy; what it raises is logged.
        copies, memory: how many copies may wait, and how many bytes of requests.
    """

    def __init__(self, run: Callable[[Copy], None], *, threads: int, copies: int, memory: int) -> None:
        self._run = run
        self._threads = threads
        self._copies = copies
        self._memory = memory
        self._waiting: deque[tuple[Copy, int]] = deque()
        self._held = 0  # bytes of those that wait
        self._changed = threading.Condition()
        self._begun = False

    def offer(self, copy: Copy) -> bool:
        """False: too much waits, the copy is dropped."""
        size = weight(copy.request)
        with self._changed:
            if len(self._waiting) >= self._copies or self._held + size > self._memory:
                return False
            self._waiting.append((copy, size))
            self._held += size
            self._changed.notify()
            begin, self._begun = not self._begun, True
        if begin:
            for number in range(self._threads):
                threading.Thread(target=self._work, name=f"shadow-{number}", daemon=True).start()
        return True

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                copy, size = self._waiting.popleft()
                self._held -= size
            try:
                self._run(copy)
            except Exception:  # whatever it is, the next copies are compared
                _log.exception("comparing %s with %s failed", copy.model.name, copy.to)


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
