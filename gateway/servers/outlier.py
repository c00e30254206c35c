"""Which server fails where the others do not."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TypeVar

_SPAN_S = 5.0
_FEWEST = 5  # failures, before a share of them says anything
_WORSE = 0.5  # this much higher must the share of failures be than that of all others together

_S = TypeVar("_S", bound=Hashable)


@dataclass(frozen=True)
class Tally:
    """Calls that were answered, and that failed."""

    answered: int = 0
    failed: int = 0

    @property
    def share(self) -> float:
        """Of failures; 0 where nothing was asked."""
        return self.failed / (self.answered + self.failed) if self.failed else 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.answered + other.answered, self.failed + other.failed)


class Window:
    """The tally of a server's last 5 to 10 seconds. Not safe to share: its owner locks."""

    def __init__(self) -> None:
        self._span = 0
        self._now = [0, 0]
        self._before = [0, 0]

    def note(self, now: float, *, failed: bool) -> None:
        self._turn(now)
        self._now[failed] += 1

    def tally(self, now: float) -> Tally:
        self._turn(now)
        return Tally(*self._now) + Tally(*self._before)

    def _turn(self, now: float) -> None:
        span = int(now // _SPAN_S)
        if span != self._span:
            self._before = self._now if span == self._span + 1 else [0, 0]
            self._now, self._span = [0, 0], span


def is_outlier(server: _S, tallies: Mapping[_S, Tally], resting: int) -> bool:
    """Whether a server should get no requests for a while; `resting` others get none already.

    Not if the others fail as well: then it is the requests, and a caller with bad ones must not take servers from all
    callers. Never more than half of the servers rest, so never the only one.
    """
    own = tallies[server]
    others = sum((tally for other, tally in tallies.items() if other != server), Tally())
    may_rest = resting + 1 <= len(tallies) // 2
    return may_rest and own.failed >= _FEWEST and own.share - others.share >= _WORSE
