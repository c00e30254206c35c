"""Figures of a classifier, against scikit-learn's and published values."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from training.metrics import confusion, macro, macro_f1_interval, micro, per_class, wilson


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


def test_of_no_rows_nothing_is_known() -> None:
    assert wilson(0, 0) == (0, 1)


def test_wilson_interval_of_the_textbook() -> None:
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, Statistics in Medicine 17


@pytest.mark.parametrize("rows", range(1, 40))
def test_wilson_interval_stays_within_0_and_1(rows: int) -> None:
    assert 0 <= wilson(0, rows)[0] < 1e-9
    assert 1 - 1e-9 < wilson(rows, rows)[1] <= 1


def test_averages_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    truth = rng.choice(4, 300, p=[0.6, 0.3, 0.1, 0.0])
    predicted = np.where(rng.random(300) < 0.7, truth, rng.integers(0, 4, 300))
    counts = confusion(truth, predicted, 4)
    for kind, ours in (("micro", micro(counts)), ("macro", macro(per_class(counts, "abcd")))):
        expected = precision_recall_fscore_support(truth, predicted, average=kind, labels=range(4), zero_division=0)
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx(expected[:3])


def test_the_interval_of_the_macro_f1_is_repeatable_and_narrows_with_the_rows() -> None:
    counts = np.array([[80, 20], [10, 90]])
    low, high = macro_f1_interval(counts, seed=1)
    assert low < macro(per_class(counts, "ab")).f1 < high
    assert macro_f1_interval(counts, seed=1) == (low, high)
    narrow_low, narrow_high = macro_f1_interval(100 * counts, seed=1)
    assert narrow_high - narrow_low < (high - low) / 5
