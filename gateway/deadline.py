"""The time a request has."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from gateway.errors import DeadlineError

Clock = Callable[[], float]


@dataclass(frozen=True)
class Deadline:
    """A point on a monotonic clock, `limit_s` seconds after it was set."""

    limit_s: float
    ends_at: float
    clock: Clock

    @classmethod
    def after(cls, limit_s: float, clock: Clock = time.monotonic) -> Self:
        return cls(limit_s, clock() + limit_s, clock)

    def lengthened(self, limit_s: float) -> Self:
        """Set at the same moment, with more time if `limit_s` is more."""
        longer = max(limit_s, self.limit_s)
        return type(self)(longer, self.ends_at - self.limit_s + longer, self.clock)

    def within(self, limit_s: float) -> Self:
        """This one, or a nearer one set now, `limit_s` away."""
        nearer = type(self).after(limit_s, self.clock)
        return nearer if nearer.ends_at < self.ends_at else self

    def remaining_s(self) -> float:
        """Seconds left, above zero. Raises `DeadlineError` when there are none."""
        left = self.ends_at - self.clock()
        if left <= 0:
            raise DeadlineError(self.limit_s)
        return left
