"""What each worker of a gateway saw of the routes, told to the others by files in the folder that they share."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gateway.routing.figures import CanaryFigures, ComparisonFigures, SideFigures, TallyFigures
from gateway.routing.route import Route

_log = logging.getLogger(__name__)


class Figures(BaseModel):
    """Of a route in force, `since` it was changed, None for one of the settings."""

    model_config = ConfigDict(frozen=True)

    route: Route
    since: datetime | None
    canaries: list[CanaryFigures]
    comparisons: list[ComparisonFigures]

    def with_those(self, others: Iterable["Figures"]) -> "Figures":
        """Added up, as far as they are of the same route."""
        same = [self, *(other for other in others if (other.route, other.since) == (self.route, self.since))]
        canaries: dict[tuple[int | str, int], CanaryFigures] = {}
        for canary in (canary for figures in same for canary in figures.canaries):
            known = canaries.get((canary.to, canary.version))
            canaries[canary.to, canary.version] = _canary(known, canary) if known else canary
        comparisons: dict[int | str, ComparisonFigures] = {}
        for compared in (compared for figures in same for compared in figures.comparisons):
            before = comparisons.get(compared.to)
            comparisons[compared.to] = _comparison(before, compared) if before else compared
        return self.model_copy(update={"canaries": list(canaries.values()), "comparisons": list(comparisons.values())})


_TOLD = TypeAdapter(dict[str, Figures])


class Colleagues:
    """Safe to share between threads. `start` begins to tell; `close` ends that.

    What a worker told counts on after its end, as its metrics do.
    """

    def __init__(self, folder: Path | None, mine: Callable[[], Mapping[str, Figures]], every_s: float) -> None:
        """`folder` is None where there is but one worker; `mine` are the figures of this one by model."""
        self._folder = folder
        self._mine = mine
        self._every_s = every_s
        self._said = b""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._tell, name="tell-figures", daemon=True)

    def start(self) -> None:
        if self._folder:
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def of(self, model: str) -> list[Figures]:
        """What the others said of a model's route, at most `every_s` ago."""
        files = self._folder.glob("routes-*.json") if self._folder else ()
        return [told[model] for file in files if file != self._file and model in (told := _read(file))]

    @property
    def _file(self) -> Path | None:
        return self._folder and self._folder / f"routes-{os.getpid()}.json"

    def _tell(self) -> None:
        while not self._closing.wait(self._every_s):
            said = _TOLD.dump_json(dict(self._mine()))
            if said == self._said or self._file is None:
                continue
            try:
                partial = self._file.with_suffix(".partial")
                partial.write_bytes(said)
                partial.replace(self._file)
            except OSError as exc:
                _log.warning("the figures of the routes cannot be told to the other workers: %s", exc)
            else:
                self._said = said


def _read(file: Path) -> Mapping[str, Figures]:
    try:
        return _TOLD.validate_json(file.read_bytes())
    except (OSError, ValidationError) as exc:
        _log.warning("the figures of another worker cannot be read: %s", exc)
        return {}


def _canary(one: CanaryFigures, other: CanaryFigures) -> CanaryFigures:
    return one.model_copy(
        update={
            "canary": _side(one.canary, other.canary),
            "stable": _side(one.stable, other.stable),
            "disagreed": _tally(one.disagreed, other.disagreed),
        }
    )


def _side(one: SideFigures, other: SideFigures) -> SideFigures:
    return SideFigures(failed=_tally(one.failed, other.failed), slow=_tally(one.slow, other.slow))


def _tally(one: TallyFigures, other: TallyFigures) -> TallyFigures:
    return TallyFigures(events=one.events + other.events, trials=one.trials + other.trials)


def _comparison(one: ComparisonFigures, other: ComparisonFigures) -> ComparisonFigures:
    compared = one.compared + other.compared
    agreed = one.agreed + other.agreed
    total = sum(part.compared * (part.mean_distance or 0.0) for part in (one, other))
    worst = [part.worst_distance for part in (one, other) if part.worst_distance is not None]
    return ComparisonFigures(
        to=one.to,
        compared=compared,
        agreed=agreed,
        agreement=agreed / compared if compared else None,
        mean_distance=total / compared if compared else None,
        worst_distance=max(worst, default=None),
        failed=one.failed + other.failed,
        absent=one.absent + other.absent,
        dropped=one.dropped + other.dropped,
    )
