"""The time a request has."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from gateway.errors import CallerLeftError, DeadlineError
from wire.interrupt import Interrupt

Clock = Callable[[], float]


@dataclass(frozen=True)
class Deadline:
    """A point on a monotonic clock, `limit_s` seconds after it was set.

    Where a caller can be heard leaving, its `interrupt` ends what waits: running calls to model servers too.
    """

    limit_s: float
    ends_at: float
    clock: Clock
    interrupt: Interrupt | None = None

    @classmethod
    def after(cls, limit_s: float, clock: Clock = time.monotonic, interrupt: Interrupt | None = None) -> Self:
        return cls(limit_s, clock() + limit_s, clock, interrupt)

    def lengthened(self, limit_s: float) -> Self:
        """Set at the same moment, with more time if `limit_s` is more."""
        longer = max(limit_s, self.limit_s)
        return replace(self, limit_s=longer, ends_at=self.ends_at - self.limit_s + longer)

    def within(self, limit_s: float) -> Self:
        """This one, or a nearer one set now, `limit_s` away."""
        nearer = type(self).after(limit_s, self.clock, self.interrupt)
        return nearer if nearer.ends_at < self.ends_at else self

    def remaining_s(self) -> float:
        """Seconds left, above zero.

        Raises:
            DeadlineError: there are none.
            CallerLeftError: nobody waits for the answer any more.
        """
        if self.interrupt is not None and self.interrupt.fired:
            raise CallerLeftError
        left = self.ends_at - self.clock()
        if left <= 0:
            raise DeadlineError(self.limit_s)
        return left

    def of(self, limit_s: float | None) -> Self:
        """One that was set at the same time, for `limit_s` seconds; this one where that is None."""
        if limit_s is None:
            return self
        return replace(self, limit_s=limit_s, ends_at=self.ends_at - self.limit_s + limit_s)
