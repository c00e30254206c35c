"""A place inside the gateway: what a caller holds from being let in until it is answered."""

import threading
import time
from collections.abc import Iterable
from typing import Protocol

from gateway.deadline import Clock
from gateway.errors import SlowBodyError, TruncatedBodyError

PATIENCE_S = 1.0  # for so long a sender may be slow although others wait for its place
FAIR_BYTES_S = 64 * 2**10  # who sends at this rate loses its place to nobody

_PIECE_BYTES = 64 * 2**10


class Source(Protocol):
    def read(self, size: int, /) -> bytes:
        """Up to so many bytes, fewer only at the end. Blocks for as long as the caller sends none."""


class Place:
    """Belongs to the thread that answers the caller, but for `take` and `slow_since`, which any thread may ask.

    A thread that waits for a body cannot be woken. So a slow sender may lose its place: then what it sent is dropped,
    and its thread, of which there is one for each connection, learns of it when it wakes.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began_at: float | None = None  # None: no body is being received
        self._pieces: list[bytes] = []
        self._received = 0
        self._lost = False

    @property
    def lost(self) -> bool:
        return self._lost

    def receive(self, source: Source, *, announced: int | None, limit_bytes: int, limit_s: float) -> bytes:
        """The body, once; at most one byte more than `limit_bytes`.

        Raises:
            SlowBodyError: it took longer than `limit_s`, or the place was lost meanwhile.
            TruncatedBodyError: it ended before the announced length.
        """
        self._read(source, limit_bytes + 1 if announced is None else announced, limit_s, keep=True)
        if announced is not None and self._received < announced:
            raise TruncatedBodyError(self._received, announced)
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def discard(self, source: Source, *, most_bytes: int, limit_s: float) -> None:
        """Lets the caller send on, within bounds, and keeps nothing of it.

        Raises:
            SlowBodyError: as `receive` does.
        """
        self._read(source, most_bytes, limit_s, keep=False)

    def _read(self, source: Source, most_bytes: int, limit_s: float, *, keep: bool) -> None:
        left = most_bytes
        began_at = self._began_at = self._clock()
        while left > 0 and not self._lost and (piece := source.read(min(left, _PIECE_BYTES))):
            left -= len(piece)
            with self._lock:
                self._received += len(piece)
                if keep and not self._lost:
                    self._pieces.append(piece)
        with self._lock:
            self._began_at = None
        took_s = self._clock() - began_at
        if self._lost or took_s > limit_s:
            raise SlowBodyError(self._received, took_s)

    def slow_since(self) -> tuple[float, float] | None:
        """Bytes per second and seconds so far of a body that is being received; None if there is none."""
        with self._lock:
            if self._began_at is None:
                return None
            age_s = self._clock() - self._began_at
            return self._received / max(age_s, 1e-9), age_s

    def take(self) -> bool:
        """Takes the place from a sender; False if it has just finished."""
        with self._lock:
            if self._began_at is None or self._lost:
                return False
            self._lost = True
            self._pieces.clear()
            return True


def slowest(places: Iterable[Place]) -> Place | None:
    """Whose place another caller may have: of those that send too slowly, for longer than patience, the slowest."""
    found: tuple[float, float, Place] | None = None
    for place in places:
        pace = None if place.lost else place.slow_since()
        if pace is None or pace[0] >= FAIR_BYTES_S or pace[1] < PATIENCE_S:
            continue
        if found is None or (pace[0], -pace[1]) < found[:2]:
            found = (pace[0], -pace[1], place)
    return found[2] if found else None
