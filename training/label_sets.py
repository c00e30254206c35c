"""Measures a classifier that may give a row several labels, or none: what differs from `training.measure`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from processing.classification import sigmoid
from store.evaluation import Averages, Decisions, Interval, LabelSets, Robustness
from store.held_out import HeldOut
from store.manifest import Metric
from training.batches import predicted
from training.calibration import calibrate
from training.curves import curves_of
from training.disturbance import share
from training.evaluation import Measured
from training.latency import latencies
from training.measure import Rows, accuracy, slices
from training.metrics import class_metrics, macro

if TYPE_CHECKING:
    import keras

Sets = NDArray[np.bool_]
"""`[rows, labels]`: which labels a row has."""

_DRAWS, _AT_ONCE = 2000, 100


class SetCodes:
    """Numbers for sets of labels, so that a set can be compared as a label is: the true ones from 0, −1 for others."""

    def __init__(self, truth: Sets) -> None:
        self._numbers: dict[bytes, int] = {}
        for row in truth:
            self._numbers.setdefault(row.tobytes(), len(self._numbers))

    def of(self, sets: Sets) -> NDArray[np.int32]:
        return np.array([self._numbers.get(row.tobytes(), -1) for row in sets], np.int32)


def chosen(logits: NDArray[np.floating]) -> Sets:
    """The labels with a probability of ½ or more, whatever the temperature."""
    return np.asarray(logits >= 0)


def measure_sets(
    model: "keras.Model", labels: Sequence[str], rows: Rows, robustness: Robustness, seed: int, *, truth: Sets
) -> Measured:
    """As `training.measure.measure`. `rows.truth` are the numbers of the sets in `truth`."""
    logits = predicted(model, rows.inputs, rows.pad)
    given = chosen(logits)
    right = np.asarray((given == truth).all(axis=1))
    both, of_given, of_truth = ((mask.sum(axis=0)) for mask in (given & truth, given, truth))
    classes = class_metrics(both, of_given, of_truth, labels)
    pairs = np.stack([np.zeros(logits.size, logits.dtype), logits.ravel()], axis=1)  # softmax of these is the sigmoid
    calibration = calibrate(pairs, truth.ravel().astype(np.int32), seed)
    exact = accuracy("accuracy", right, f"{rows.data}; right is a row with all its labels and no other")
    average, interval = macro(classes), _macro_f1_interval(given, truth, seed)
    scores = sigmoid(logits)
    evaluation = LabelSets(
        labels=tuple(labels),
        rows=exact.rows,
        accuracy=exact.value,
        accuracy_interval=share(right).interval,
        micro=_micro(int(both.sum()), int(of_given.sum()), int(of_truth.sum())),
        macro=average,
        macro_f1_interval=interval,
        per_class=classes,
        decisions=_decisions(given, truth, labels),
        curves={label: curves_of(truth[:, number], scores[:, number]) for number, label in enumerate(labels)},
        calibration=calibration,
        latency=latencies(model, rows.alone, rows.pad or 0),
        robustness=robustness,
        slices=tuple(slice_ for by, values in rows.slices.items() for slice_ in slices(right, by, values, rows.data)),
        references=(_most_frequent(truth, labels, rows.data),),
        metrics=(
            exact,
            Metric(
                name="macro F1", value=average.f1, data=rows.data, rows=exact.rows, low=interval[0], high=interval[1]
            ),
            Metric(
                name="expected calibration error",
                value=calibration.after.error,
                data=f"{calibration.rows:,} decisions on {rows.data}, the temperature fitted on others",
                rows=calibration.rows,
            ),
        ),
    )
    return Measured(evaluation, HeldOut(rows.sha256, rows.truth, SetCodes(truth).of(given)))


def _micro(both: int, given: int, there: int) -> Averages:
    """Over all decisions together."""
    return Averages(
        precision=both / given if given else 0.0,
        recall=both / there if there else 0.0,
        f1=2 * both / (given + there) if given + there else 0.0,
    )


def _decisions(given: Sets, truth: Sets, labels: Sequence[str]) -> Mapping[str, Decisions]:
    return {
        label: Decisions(
            right=int((ours & true).sum()),
            wrong=int((ours & ~true).sum()),
            missed=int((~ours & true).sum()),
            absent=int((~ours & ~true).sum()),
        )
        for label, ours, true in zip(labels, given.T, truth.T, strict=True)
    }


def _macro_f1_interval(given: Sets, truth: Sets, seed: int) -> Interval:
    """95 % bootstrap interval over rows."""
    rng, rows = np.random.default_rng(seed), len(truth)
    both, either = (given & truth).astype(float), given.astype(float) + truth
    scores = []
    for _ in range(_DRAWS // _AT_ONCE):
        drawn = rng.multinomial(rows, np.full(rows, 1 / rows), _AT_ONCE)
        right, of = 2 * (drawn @ both), drawn @ either
        scores.append(np.divide(right, of, out=np.zeros_like(right), where=of > 0).mean(axis=1))
    low, high = np.percentile(np.concatenate(scores), [2.5, 97.5])
    return float(low), float(high)


def _most_frequent(truth: Sets, labels: Sequence[str], data: str) -> Metric:
    """The best that a constant answer can do."""
    [(most, _)] = Counter(map(bytes, truth)).most_common(1)
    kept = np.frombuffer(most, np.bool_)
    named = ", ".join(label for label, there in zip(labels, kept, strict=True) if there) or "none"
    return accuracy(f"always “{named}”", (truth == kept).all(axis=1), data)
