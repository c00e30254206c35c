"""One route while it is in force: its canaries' trials and its comparisons. Ends with the route."""

import threading
from dataclasses import dataclass

from gateway.routing.canary import Side, Trial, verdict
from gateway.routing.comparison import Comparison
from gateway.routing.figures import CanaryFigures, ComparisonFigures, SideFigures, TallyFigures
from gateway.routing.route import Mask, Part, Route
from gateway.settings import Limits
from processing.masking import Masker

AGREED, DISAGREED, FAILED, ABSENT, DROPPED = "agreed", "disagreed", "failed", "absent", "dropped"


@dataclass
class _Compared:
    """Copies by their end, and how far answers were apart."""

    agreed: int = 0
    disagreed: int = 0
    failed: int = 0
    absent: int = 0
    dropped: int = 0
    total: float = 0.0
    worst: float = 0.0


@dataclass(frozen=True)
class Seen:
    """How one call ended: `seconds` until its answer, None if it has none because of the version or its server."""

    version: int
    seconds: float | None


class Live:
    """Safe to share between threads.

    `limits` are those of the route, None if it has none of its own; `level` bounds the chance of a false withdrawal.
    """

    def __init__(self, route: Route, limits: Limits | None, processes: int) -> None:
        self.route = route
        self.limits = limits
        self.masks = (_masker(route.mask),) if route.mask else ()
        self.captured = _masker(route.capture.mask) if route.capture else None
        self.task: str | None = None  # of the last answer
        self._processes = processes  # each holds trials of its own, so each has its part of a canary's level
        self._watched = [part for part in route.split if part.canary]
        self._lock = threading.Lock()
        self._trials: dict[int | str, tuple[int, Trial]] = {}
        self._compared: dict[int | str, _Compared] = {}
        self._withdrawn: set[int | str] = set()

    def ended(self, part: Part | None, seen: Seen) -> tuple[Part, str] | None:
        """Counts a call that was dealt to `part`, or to the route's own version. A part to withdraw now, and why.

        A part is returned once.
        """
        if not self._watched:
            return None
        with self._lock:
            if part is None:
                for watched in self._watched:
                    if watched.to in self._trials:
                        _count(self._trials[watched.to][1].stable, watched, seen)
                return None
            if part.canary is None:
                return None
            trial = self._trial(part, seen.version)
            return self._judged(part, trial) if _count(trial.canary, part, seen) else None

    def compared(self, to: int | str, version: int | None, found: Comparison | str) -> tuple[Part, str] | None:
        """Counts a copy. A part to withdraw now, and why. `version` is that of `to`."""
        with self._lock:
            counted = self._compared.setdefault(to, _Compared())
            if isinstance(found, str):
                setattr(counted, found, getattr(counted, found) + 1)
                return None
            counted.agreed += found.agrees
            counted.disagreed += not found.agrees
            counted.total += found.distance
            counted.worst = max(counted.worst, found.distance)
            part = next((part for part in self._watched if part.to == to), None)
            if part is None or version is None:
                return None
            trial = self._trial(part, version)
            trial.disagreed.add(not found.agrees)
            return None if found.agrees else self._judged(part, trial)

    def canaries(self) -> list[CanaryFigures]:
        with self._lock:
            return [
                CanaryFigures(
                    to=to,
                    version=version,
                    canary=SideFigures.model_validate(trial.canary),
                    stable=SideFigures.model_validate(trial.stable),
                    disagreed=TallyFigures.model_validate(trial.disagreed),
                )
                for to, (version, trial) in self._trials.items()
            ]

    def comparisons(self) -> list[ComparisonFigures]:
        with self._lock:
            return [_figures(to, counted) for to, counted in self._compared.items()]

    def _trial(self, part: Part, version: int) -> Trial:
        """The part's trial. Where its label has moved on to another version, that begins anew."""
        known = self._trials.get(part.to)
        if known is None or known[0] != version:
            known = self._trials[part.to] = version, Trial(part.percent / (part.percent + self.route.rest))
        return known[1]

    def _judged(self, part: Part, trial: Trial) -> tuple[Part, str] | None:
        if part.canary is None or part.to in self._withdrawn:
            return None
        why = verdict(part.canary, trial, part.canary.alpha / self._processes)
        if why is None:
            return None
        self._withdrawn.add(part.to)
        return part, why


def _masker(mask: Mask) -> Masker:
    return Masker(mask.kinds, mask.region)


def _count(side: Side, part: Part, seen: Seen) -> bool:
    """Whether something happened that speaks against the version."""
    failed = seen.seconds is None
    side.failed.add(failed)
    limit_ms = part.canary.latency_ms if part.canary else None
    if seen.seconds is None or limit_ms is None:
        return failed
    slow = seen.seconds * 1000 > limit_ms
    side.slow.add(slow)
    return slow


def _figures(to: int | str, counted: _Compared) -> ComparisonFigures:
    total = counted.agreed + counted.disagreed
    return ComparisonFigures(
        to=to,
        compared=total,
        agreed=counted.agreed,
        agreement=counted.agreed / total if total else None,
        mean_distance=counted.total / total if total else None,
        worst_distance=counted.worst if total else None,
        failed=counted.failed,
        absent=counted.absent,
        dropped=counted.dropped,
    )
