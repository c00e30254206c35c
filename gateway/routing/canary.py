"""Whether a canary is to be withdrawn: counts of what happened, and the verdict on them.

A canary's own rate must be proved to be above its limit, and to be above that of the version beside it: a model server
that fails both alike is nobody's fault. The second is tested on the events alone: calls are dealt at random, so of the
events that are as likely on both sides the canary has its share, whatever makes them more or less likely meanwhile.
"""

import math
from dataclasses import dataclass, field

from gateway.routing.route import Canary
from gateway.routing.sequential import log_evidence


@dataclass
class Tally:
    """How often something happened in how many calls."""

    events: int = 0
    trials: int = 0

    def add(self, event: bool) -> None:
        self.events += event
        self.trials += 1

    @property
    def rate(self) -> float | None:
        return self.events / self.trials if self.trials else None


@dataclass
class Side:
    """What happened to the calls of one version. Slow are answers; a call without an answer has failed."""

    failed: Tally = field(default_factory=Tally)
    slow: Tally = field(default_factory=Tally)


@dataclass
class Trial:
    """A canary beside the route's own version. Not thread-safe.

    `share` is the canary's of the calls that go to either.
    """

    share: float
    canary: Side = field(default_factory=Side)
    stable: Side = field(default_factory=Side)
    disagreed: Tally = field(default_factory=Tally)


def verdict(canary: Canary, trial: Trial, level: float) -> str | None:
    """Why the canary is to be withdrawn, if it is.

    `level` bounds the chance that a canary within its limits is ever withdrawn. What it can be withdrawn for shares it
    evenly. Only something that happens to the canary makes a verdict possible; the counts between need no look.
    """
    proved = math.log(canary.watched / level)
    if canary.errors is not None and _worse(trial.canary.failed, trial.stable.failed, canary.errors, trial, proved):
        return _told("errors", trial.canary.failed, trial.stable.failed, canary.errors)
    if canary.latency_ms is not None and _worse(trial.canary.slow, trial.stable.slow, canary.slow, trial, proved):
        what = f"answers slower than {canary.latency_ms:g} ms"
        return _told(what, trial.canary.slow, trial.stable.slow, canary.slow)
    if canary.disagreement is not None and _above(trial.disagreed, canary.disagreement, proved):
        return _told("disagreements", trial.disagreed, None, canary.disagreement)
    return None


def _worse(canary: Tally, stable: Tally, limit: float, trial: Trial, proved: float) -> bool:
    events = Tally(canary.events, canary.events + stable.events)
    return _above(canary, limit, proved) and _above(events, trial.share, proved)


def _above(tally: Tally, limit: float, proved: float) -> bool:
    return bool(log_evidence(tally.events, tally.trials, limit) >= proved)


def _told(what: str, canary: Tally, stable: Tally | None, limit: float) -> str:
    beside = f"; the version beside it {stable.events} of {stable.trials}" if stable else ""
    return f"{what}: {canary.events} of {canary.trials}, more than the {limit:.3g} allowed{beside}"
