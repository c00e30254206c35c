"""How well a classifier did: pure functions of labels and predictions."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from store.evaluation import Averages, ClassMetrics, Interval

Labels = NDArray[np.integer]

_Z = 1.96  # of the normal distribution: 95 % lie within


def confusion(truth: Labels, predicted: Labels, classes: int) -> NDArray[np.int64]:
    """`[classes, classes]` counts: a row for each true class, a column for each predicted one."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def per_class(counts: NDArray[np.int64], labels: Sequence[str]) -> dict[str, ClassMetrics]:
    """Precision, recall and F1 from a confusion matrix; 0 where a class was never predicted or never there."""
    return class_metrics(counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1), labels)


def class_metrics(
    right: NDArray[np.int64], predicted: NDArray[np.int64], there: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, ClassMetrics]:
    """For each label how often it was predicted rightly, predicted, and there."""
    return {
        label: ClassMetrics(
            precision=_ratio(right[i], predicted[i]),
            recall=_ratio(right[i], there[i]),
            f1=_ratio(2 * right[i], predicted[i] + there[i]),
            support=int(there[i]),
            precision_interval=wilson(int(right[i]), int(predicted[i])),
            recall_interval=wilson(int(right[i]), int(there[i])),
        )
        for i, label in enumerate(labels)
    }


def micro(counts: NDArray[np.int64]) -> Averages:
    """Over all rows together: each has one true and one predicted label, so all three are the accuracy."""
    accuracy = float(counts.trace() / counts.sum())
    return Averages(precision=accuracy, recall=accuracy, f1=accuracy)


def macro(classes: Mapping[str, ClassMetrics]) -> Averages:
    """The mean over labels, each counting the same however rare it is."""
    means = np.mean([(of.precision, of.recall, of.f1) for of in classes.values()], axis=0)
    return Averages(precision=float(means[0]), recall=float(means[1]), f1=float(means[2]))


def macro_f1_interval(counts: NDArray[np.int64], seed: int, draws: int = 2000) -> Interval:
    """95 % bootstrap interval of the macro F1: resampling rows is drawing the cells of the confusion matrix."""
    rows = counts.sum()
    drawn = np.random.default_rng(seed).multinomial(rows, counts.ravel() / rows, draws).reshape(-1, *counts.shape)
    right = drawn.diagonal(axis1=1, axis2=2)
    there = drawn.sum(axis=1) + drawn.sum(axis=2)
    scores = np.divide(2 * right, there, out=np.zeros(right.shape), where=there > 0)
    low, high = np.percentile(scores.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def wilson(right: int, rows: int) -> Interval:
    """Wilson's 95 % interval of a proportion (Wilson 1927, JASA 22). Of no rows nothing is known: 0 to 1."""
    if not rows:
        return 0.0, 1.0
    share, z2 = right / rows, _Z**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = _Z / (1 + z2 / rows) * np.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2))
    return float(middle - half) if right else 0.0, float(
        middle + half
    ) if right < rows else 1.0  # else but for rounding


def _ratio(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else 0.0
