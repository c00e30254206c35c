"""So many at work at once; the others wait, first come, first served, as long as that makes sense."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import Gauge

from gateway.deadline import Clock, Deadline
from gateway.errors import DeadlineError, LongQueueError
from gateway.waiting import abreast, expected_s, smoothed, typical_s

_LOOK_S = 0.1  # who waits looks up so often whether it still makes sense


class Turns:
    """Safe to share between threads."""

    def __init__(
        self,
        workers: int,
        waiting: Gauge,
        clock: Clock,
        *,
        apart_s: float | None = None,
        behind: Callable[[float], object] | None = None,
        give_way_s: float = 0.01,
    ) -> None:
        """
        Args:
            workers: how many at once.
            waiting: tells how many wait.
            apart_s: fewer at once, one at least, where more than one would begin in that time: short work takes the
                processor that it shares with others, only long work waits for somebody else.
            behind: waits for those whose work goes first, for so many seconds at most: the `idle` of others.
            give_way_s: how long that is.
        """
        self._workers = workers
        self._waiting = waiting
        self._clock = clock
        self._apart_s = apart_s
        self._behind, self._give_way_s = behind, give_way_s
        self._lock = threading.Lock()
        self._taken = 0
        self._idle = threading.Event()
        self._idle.set()
        self._queue: deque[threading.Event] = deque()  # set by whoever passes on his place
        self._running: dict[object, float] = {}  # since when
        self._mean_s: float | None = None

    @contextmanager
    def one(self, deadline: Deadline, *, begun: bool = False) -> Iterator[None]:
        """Waits for a turn; what has `begun`, and cannot go elsewhere, as long as it has time.

        Raises:
            LongQueueError: by all that is known there would be no answer in time; not of what has begun.
            DeadlineError: it did not come in time.
        """
        self._take(deadline, begun=begun)
        if self._behind:
            self._behind(self._give_way_s)
        key, began = object(), self._clock()
        self._running[key] = began
        try:
            yield
        finally:
            with self._lock:
                del self._running[key]
                self._mean_s = smoothed(self._mean_s, self._clock() - began)
                self._pass_on()

    def idle(self, limit_s: float) -> bool:
        """Waits until nobody is at work, for so long at most; whether that is so."""
        return self._idle.wait(limit_s)

    def _take(self, deadline: Deadline, *, begun: bool) -> None:
        with self._lock:
            if self._taken < self._limit() and not self._queue:
                self._taken += 1
                self._idle.clear()
                return
            self._check(len(self._queue), deadline, begun=begun)
            turn = threading.Event()
            self._queue.append(turn)
        with self._waiting.track_inprogress():
            self._wait(turn, deadline, begun=begun)

    def _wait(self, turn: threading.Event, deadline: Deadline, *, begun: bool) -> None:
        """Hundreds of streams that all looked up would leave no time to anybody else."""
        look_s = threading.TIMEOUT_MAX if begun and deadline.interrupt is None else _LOOK_S
        while not turn.wait(min(look_s, max(0.0, deadline.ends_at - self._clock()))):
            with self._lock:
                if turn.is_set():
                    return
                try:
                    self._check(self._queue.index(turn), deadline, begun=begun)
                except (LongQueueError, DeadlineError):
                    self._queue.remove(turn)
                    raise

    def _check(self, ahead: int, deadline: Deadline, *, begun: bool) -> None:
        left_s = deadline.remaining_s()
        if begun:
            return
        now = self._clock()
        work_s = typical_s(self._mean_s, [now - since for since in list(self._running.values())])
        wait_s = expected_s(ahead, self._limit(), work_s)
        if wait_s > left_s:
            raise LongQueueError(ahead, wait_s)

    def _pass_on(self) -> None:
        self._taken -= 1
        while self._queue and self._taken < self._limit():
            self._queue.popleft().set()
            self._taken += 1
        if not self._taken:
            self._idle.set()

    def _limit(self) -> int:
        return self._workers if self._apart_s is None else abreast(self._workers, self._mean_s, self._apart_s)
