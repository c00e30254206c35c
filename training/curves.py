"""Curves of a classifier over all thresholds, one label against the others, by scikit-learn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from store.evaluation import Curve, LabelCurves
from training.metrics import Labels

_POINTS = 64
_DIGITS = 5


def label_curves(truth: Labels, scores: NDArray[np.floating], labels: Sequence[str]) -> dict[str, LabelCurves]:
    """`scores` is `[rows, labels]`: receiver operating characteristic, and precision over recall."""
    return {label: curves_of(truth == number, scores[:, number]) for number, label in enumerate(labels)}


def curves_of(positive: NDArray[np.bool_], scores: NDArray[np.floating]) -> LabelCurves:
    """Of one label, by whether a row has it and how much it is said to."""
    from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

    if positive.all() or not positive.any():
        return LabelCurves(roc=None, precision_recall=None)
    false_rate, true_rate, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
    return LabelCurves(
        roc=_curve(false_rate, true_rate, float(auc(false_rate, true_rate))),
        precision_recall=_curve(recall[::-1], precision[::-1], float(average_precision_score(positive, scores))),
    )


def _curve(x: NDArray[np.floating], y: NDArray[np.floating], area: float) -> Curve:
    """Thinned, half evenly along the curve and half by number, which keeps its corners; the ends are kept."""
    along = np.concatenate([[0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    evenly = np.searchsorted(along, np.linspace(0, along[-1], _POINTS)).clip(max=len(x) - 1)
    kept = np.union1d(evenly, np.linspace(0, len(x) - 1, _POINTS).astype(int))
    return Curve(x=_rounded(x[kept]), y=_rounded(y[kept]), area=area)


def _rounded(values: NDArray[np.floating]) -> tuple[float, ...]:
    return tuple(round(float(value), _DIGITS) for value in values)
