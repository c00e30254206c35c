"""When a server that fails gets no requests, and when it is tried again."""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Self

_FIRST_S, _LONGEST_S = 1.0, 8.0
_FORGIVEN_S = 30.0


class State(Enum):
    CLOSED = "closed"  # it gets requests
    OPEN = "open"  # it gets none, not even the goldens
    HALF_OPEN = "half-open"  # it gets the goldens: right answers close it


@dataclass(frozen=True)
class Breaker:
    """Of one server. A state machine without a clock: `now` is seconds on any one that does not go back.

    Each time that it opens within 30 s of having closed it stays so twice as long: 1, 2, 4, at most 8 seconds.
    """

    until: float | None = None  # None: closed
    closed_at: float = float("-inf")
    rest_s: float = 0.0

    def state(self, now: float) -> State:
        if self.until is None:
            return State.CLOSED
        return State.OPEN if now < self.until else State.HALF_OPEN

    def tripped(self, now: float) -> Self:
        again = now - self.closed_at < _FORGIVEN_S
        rest_s = min(2 * self.rest_s, _LONGEST_S) if again and self.rest_s else _FIRST_S
        return replace(self, until=now + rest_s, rest_s=rest_s)

    def proved(self, now: float) -> Self:
        return self if self.until is None else replace(self, until=None, closed_at=now)
