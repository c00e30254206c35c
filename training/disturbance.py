"""What can happen to an input on its way, and what of a model's accuracy is left then."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from processing.errors import ProcessingError
from store.evaluation import Robustness, Share, Trial
from store.manifest import Metric
from training.metrics import Labels, wilson
from training.progress import Progress
from training.recipe import Array

T = TypeVar("T")


@dataclass(frozen=True)
class Disturbance(Generic[T]):
    """One kind in one strength. `told` is the one strength of its kind that the manifest tells.

    `act` changes a copy; all its chance comes from the generator.
    """

    name: str
    strength: str
    what: str
    act: Callable[[T, np.random.Generator], T]
    told: bool = False


@dataclass(frozen=True)
class Prepared:
    """Of a sample, disturbed or not: the rows that could be prepared, and their places in it."""

    rows: Sequence[Array]
    places: NDArray[np.int64]


Keep = Callable[[Iterable[Prepared]], Iterable[Prepared]]


def for_once(prepared: Iterable[Prepared]) -> Iterable[Prepared]:
    return prepared


@dataclass(frozen=True)
class Sample(Generic[T]):
    """Held-out inputs as clients send them.

    Attributes:
        data: the rows in words.
        prepare: an input to the row that the model takes. Raises `ProcessingError` for one that cannot be read.
        predict: such rows to positions of labels.
        keep: what was prepared, undisturbed first, or the same from another time.
    """

    inputs: Sequence[T]
    truth: Labels
    data: str
    prepare: Callable[[T], Array]
    predict: Callable[[Sequence[Array]], Labels]
    keep: Keep = for_once


@dataclass(frozen=True)
class Attack:
    """A disturbance made for the model itself: which rows of the sample are still right after it."""

    name: str
    strength: str
    what: str
    right: NDArray[np.bool_]
    told: bool = False


def robustness(
    sample: Sample[T],
    disturbances: Sequence[Disturbance[T]],
    attacks: Sequence[Attack],
    seed: int,
    progress: Progress,
) -> Robustness:
    """The accuracy on the sample as it is, and with each disturbance. The same seed disturbs the same way."""
    progress.stage("disturb inputs", len(disturbances) + 1)
    prepared = iter(sample.keep(_all_prepared(sample, disturbances, seed, progress)))
    undisturbed = share(_right(sample, next(prepared)))
    trials, told = [], []
    for disturbance, disturbed in zip(disturbances, prepared, strict=True):
        trials.append(_trial(disturbance, _right(sample, disturbed)))
        told.append(disturbance.told)
    for attack in attacks:
        trials.append(_trial(attack, attack.right))
        told.append(attack.told)
    progress.at(len(disturbances) + 1)
    metrics = tuple(_metric(trial, sample.data) for trial, is_told in zip(trials, told, strict=True) if is_told)
    return Robustness(data=sample.data, undisturbed=undisturbed, trials=tuple(trials), metrics=metrics)


def share(right: NDArray[np.bool_]) -> Share:
    count, rows = int(right.sum()), len(right)
    return Share(rows=rows, accuracy=count / rows, interval=wilson(count, rows))


def _disturbed(inputs: Sequence[T], disturbance: Disturbance[T], seed: int) -> Iterator[T]:
    """Each kind and strength has chances of its own, so that one more in the table changes no other."""
    rng = np.random.default_rng((seed, zlib.crc32(f"{disturbance.name} {disturbance.strength}".encode())))
    return (disturbance.act(given, rng) for given in inputs)


def _all_prepared(
    sample: Sample[T], disturbances: Sequence[Disturbance[T]], seed: int, progress: Progress
) -> Iterator[Prepared]:
    yield _prepared(sample, sample.inputs)
    for number, disturbance in enumerate(disturbances, start=1):
        progress.at(number)
        yield _prepared(sample, _disturbed(sample.inputs, disturbance, seed))


def _prepared(sample: Sample[T], inputs: Iterable[T]) -> Prepared:
    rows, places = [], []
    for place, given in enumerate(inputs):
        try:
            rows.append(sample.prepare(given))
        except ProcessingError:
            continue
        places.append(place)
    return Prepared(rows, np.array(places, np.int64))


def _right(sample: Sample[T], prepared: Prepared) -> NDArray[np.bool_]:
    right, places = np.zeros(len(sample.truth), np.bool_), prepared.places
    if len(places):
        right[places] = sample.predict(prepared.rows) == sample.truth[places]
    return right


def _trial(tried: Disturbance[T] | Attack, right: NDArray[np.bool_]) -> Trial:
    return Trial(**dict(share(right)), disturbance=tried.name, strength=tried.strength, what=tried.what)


def _metric(trial: Trial, data: str) -> Metric:
    low, high = trial.interval
    return Metric(
        name=trial.disturbance, value=trial.accuracy, data=f"{data}: {trial.what}", rows=trial.rows, low=low, high=high
    )
