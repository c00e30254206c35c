"""How many requests may be sent a second time: a share of all, so that retries never become the load."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True)
class RetryBudget:
    """A bucket of tokens: each request earns `share` of one, each retry or hedge spends one; it holds `most`."""

    share: float
    tokens: float
    most: float

    @classmethod
    def full(cls, share: float, most: float) -> Self:
        return cls(share, most if share else 0, most)

    def earned(self) -> Self:
        if self.tokens >= self.most:  # as good as always: nothing failed
            return self
        return replace(self, tokens=min(self.most, self.tokens + self.share))

    def spent(self) -> Self | None:
        """None if there is not a whole token."""
        return replace(self, tokens=self.tokens - 1) if self.tokens >= 1 else None
