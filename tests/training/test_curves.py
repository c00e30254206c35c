"""Curves: areas as scikit-learn has them, thinned points that are on the curve."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from training.curves import label_curves


def test_areas_are_those_of_all_points_and_the_points_lie_on_the_curve() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 2000)
    scores = rng.random((2000, 3)) + 0.5 * np.eye(3)[truth]
    for number, (label, curves) in enumerate(label_curves(truth, scores, "abc").items()):
        assert label == "abc"[number]
        assert curves.roc is not None
        assert curves.precision_recall is not None
        assert curves.roc.area == roc_auc_score(truth == number, scores[:, number])
        assert curves.precision_recall.area == average_precision_score(truth == number, scores[:, number])
        x, y, _ = roc_curve(truth == number, scores[:, number])
        assert (curves.roc.x[0], curves.roc.y[0], curves.roc.x[-1], curves.roc.y[-1]) == (0, 0, 1, 1)
        assert len(curves.roc.x) <= 128
        assert set(zip(curves.roc.x, curves.roc.y, strict=True)) <= set(zip(x.round(5), y.round(5), strict=True))


def test_a_label_that_never_or_always_occurs_has_no_curve() -> None:
    curves = label_curves(np.zeros(5, int), np.full((5, 2), 0.5), "ab")
    assert curves["a"].roc is curves["b"].precision_recall is None
