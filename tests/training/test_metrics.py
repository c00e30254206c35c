"""Figures of a classifier, against scikit-learn's and published values."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from training.metrics import calibration_error, confusion, per_class, wilson


def test_confusion_and_per_class_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 500)
    predicted = np.where(rng.random(500) < 0.7, truth, rng.integers(0, 4, 500))
    counts = confusion(truth, predicted, 4)
    assert (counts == confusion_matrix(truth, predicted)).all()
    expected = precision_recall_fscore_support(truth, predicted)
    ours = [(m.precision, m.recall, m.f1, m.support) for m in per_class(counts, "abcd").values()]
    np.testing.assert_allclose(np.array(ours).T, expected)


def test_a_class_that_never_occurs_has_zeros() -> None:
    nothing = per_class(confusion(np.array([0]), np.array([0]), 2), "ab")["b"]
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.support) == (0, 0, 0, 0)


def test_wilson_interval_of_the_textbook() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, Statistics in Medicine 17


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.tile(np.array([0.8, 0.2], np.float32), (10, 1))
    assert calibration_error(np.array([0] * 8 + [1] * 2), probabilities) == pytest.approx(0, abs=1e-6)
    assert calibration_error(np.array([0] * 5 + [1] * 5), probabilities) == pytest.approx(0.3, abs=1e-6)
