"""Who is let in: so many requests at once, so many of them worked on. Who is not is told so before the body is read."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from prometheus_client import Gauge

from gateway.deadline import Clock, Deadline
from gateway.errors import BusyError
from gateway.place import Place, slowest
from gateway.turns import Turns

_LOOK_EVERY_S = 0.1  # for slow senders: of thousands who are turned away each would look through all places


class Admission:
    """Bounds the threads that callers can hold, and with the work at once also its memory. Safe to share.

    A caller that sends its body slowly loses its place when another needs it. The places are fewer than the server's
    threads, so that probes, and those to be turned away, always find one. Whoever would wait for a turn in vain is told
    so at once: he can go elsewhere, or come again when it helps.
    """

    def __init__(
        self,
        places: int,
        workers: int,
        waiting: Gauge,
        clock: Clock = time.monotonic,
        *,
        apart_s: float | None = None,
        behind: Callable[[float], object] | None = None,
    ) -> None:
        """`waiting` tells who of those that have a place waits for a turn. For the rest see `Turns`."""
        self._limit = places
        self._lock = threading.Lock()
        self._taken = 0
        self._holders: set[Place] = set()  # with those that lost their place and do not know it yet
        self._clock = clock
        self._look_at = clock()
        self._turns = Turns(workers, waiting, clock, apart_s=apart_s, behind=behind)

    @property
    def taken(self) -> int:
        """How many have a place."""
        return self._taken

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Raises `BusyError` at once when every place is taken."""
        place = Place()
        with self._lock:
            if self._taken == self._limit:
                self._take_from_slowest()
            self._taken += 1
            self._holders.add(place)
        try:
            yield place
        finally:
            with self._lock:
                self._holders.discard(place)
                self._taken -= not place.lost

    def _take_from_slowest(self) -> None:
        if self._clock() >= self._look_at:
            while slow := slowest(self._holders):
                if slow.take():
                    self._taken -= 1
                    return
            self._look_at = self._clock() + _LOOK_EVERY_S
        raise BusyError(self._limit)

    def longest_wait_s(self) -> float:
        """For how long the body that has been waited for longest has been, 0 if none is."""
        with self._lock:
            waits = [pace[1] for place in self._holders if (pace := place.slow_since())]
        return max(waits, default=0.0)

    def idle(self, limit_s: float) -> bool:
        """Waits until none is worked on, for so long at most; whether that is so."""
        return self._turns.idle(limit_s)

    def work(self, deadline: Deadline, *, begun: bool = False) -> AbstractContextManager[None]:
        """Waits for its turn; what has `begun`, and cannot go elsewhere, as long as it has time.

        Raises:
            LongQueueError: by all that is known there would be no answer in time; not of what has begun.
            DeadlineError: the turn did not come in time.
        """
        return self._turns.one(deadline, begun=begun)
