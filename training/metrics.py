"""How well a classifier did: pure functions of labels, predictions and probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.evaluation import ClassMetrics

Labels = NDArray[np.integer]
Interval = tuple[float, float]

_Z = 1.96  # of the normal distribution: 95 % lie within
_BINS = 10


def confusion(truth: Labels, predicted: Labels, classes: int) -> NDArray[np.int64]:
    """`[classes, classes]` counts: a row for each true class, a column for each predicted one."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (truth, predicted), 1)
    return counts


def per_class(counts: NDArray[np.int64], labels: Sequence[str]) -> dict[str, ClassMetrics]:
    """Precision, recall and F1 from a confusion matrix; 0 where a class was never predicted or never there."""
    right, predicted, there = counts.diagonal(), counts.sum(axis=0), counts.sum(axis=1)
    return {
        label: ClassMetrics(
            precision=_ratio(right[i], predicted[i]),
            recall=_ratio(right[i], there[i]),
            f1=_ratio(2 * right[i], predicted[i] + there[i]),
            support=int(there[i]),
        )
        for i, label in enumerate(labels)
    }


def wilson(right: int, rows: int) -> Interval:
    """Wilson's 95 % interval of a proportion (Wilson 1927, JASA 22)."""
    share, z2 = right / rows, _Z**2
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    half = _Z / (1 + z2 / rows) * np.sqrt(share * (1 - share) / rows + z2 / (4 * rows**2))
    return float(middle - half), float(middle + half)


def calibration_error(truth: Labels, probabilities: NDArray[np.float32]) -> float:
    """Expected calibration error in ten bins: how far confidence and accuracy lie apart (Guo et al. 2017)."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [abs(float((confidence - right)[bins == b].sum())) for b in range(_BINS)]
    return sum(gaps) / len(truth)


def _ratio(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else 0.0
