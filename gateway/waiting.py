"""How long it takes until an answer, when others are before: arithmetic without a clock."""

from collections.abc import Collection

_WEIGHT = 0.1  # of the latest work in the mean


def expected_s(ahead: int, workers: int, work_s: float) -> float:
    """Until a turn, with all workers busy and so many who wait before, and the work itself."""
    return (ahead + 1) * work_s / workers + work_s


def abreast(workers: int, work_s: float | None, apart_s: float) -> int:
    """How many at once begin `apart_s` after each other, if each takes `work_s`: one at least, `workers` at most."""
    return max(1, min(workers, int((work_s or 0.0) / apart_s)))


def smoothed(mean_s: float | None, latest_s: float) -> float:
    """The mean of what work took, in which what is long past counts little. None: there was none."""
    return latest_s if mean_s is None else mean_s + _WEIGHT * (latest_s - mean_s)


def typical_s(mean_s: float | None, ages_s: Collection[float]) -> float:
    """What work takes: as it did, or as long as that under way has taken already, if that is longer."""
    return max(mean_s or 0.0, sum(ages_s) / len(ages_s) if ages_s else 0.0)
