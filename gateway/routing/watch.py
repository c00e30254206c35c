"""How one call ends: with an answer after so long, with a failure that speaks against its version, or neither."""

from collections.abc import Callable
from contextlib import closing
from types import TracebackType
from typing import Self

from gateway.deadline import Clock
from gateway.errors import BusyError, CallerLeftError, FullError, LongQueueError, RequestError
from gateway.stream import Pieces
from processing.errors import ProcessingError

# What the caller did, and what the gateway has no room for: it tells nothing of a version, and no other may do better.
NOT_THE_VERSION = (RequestError, ProcessingError, CallerLeftError, BusyError, FullError, LongQueueError)

Ended = Callable[[float | None], object]  # seconds until the answer; None if there is none because of the version


class Watch:
    """Within it one call is answered. Of an answer in pieces it lasts until there are no more; seconds are those until
    the first one. Who leaves before the last one says nothing of the version. Tells once at most.
    """

    def __init__(self, ended: Ended, clock: Clock) -> None:
        self._ended = ended
        self._clock = clock
        self._began = clock()
        self._first_s: float | None = None  # None: no piece was made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, exc: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if exc is not None:
            self._failed(exc)
        elif self._first_s is None:
            self._ended(self._clock() - self._began)

    def lasting(self, pieces: Pieces) -> Pieces:
        """The pieces, which are begun within the watch; one that begins no piece leaves it as it was."""
        with closing(pieces):
            try:
                for piece in pieces:
                    if self._first_s is None:
                        self._first_s = self._clock() - self._began
                    yield piece
            except Exception as exc:
                if self._first_s is not None:  # else it is known within the watch
                    self._failed(exc)
                raise
            if self._first_s is not None:
                self._ended(self._first_s)

    def _failed(self, exc: BaseException) -> None:
        if isinstance(exc, Exception) and not isinstance(exc, NOT_THE_VERSION):
            self._ended(None)
