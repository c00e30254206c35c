"""Softmax and the order of labels."""

import numpy as np
import pytest

from processing.classification import ranked, softmax

LABELS = ("a", "b", "c")


def test_softmax_is_over_each_row_and_never_overflows() -> None:
    logits = np.array([[0, 0, 0], [1000, 1000 + np.log(3), -1000]], np.float32)
    scores = softmax(logits)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, [[1 / 3, 1 / 3, 1 / 3], [1 / 4, 3 / 4, 0]], rtol=1e-4)


def test_a_temperature_cools_or_heats() -> None:
    logits = np.array([[0, np.log(4)]])
    np.testing.assert_allclose(softmax(logits, 2.0), [[1 / 3, 2 / 3]])
    np.testing.assert_allclose(softmax(logits, 0.5), [[1 / 17, 16 / 17]])


@pytest.mark.parametrize(("top_k", "kept"), [(1, 1), (2, 2), (9, 3)])
def test_labels_by_falling_score_and_equal_ones_in_their_own_order(top_k: int, kept: int) -> None:
    scores = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]])
    by_row = [[("b", 0.5), ("c", 0.3), ("a", 0.2)], [("a", 0.4), ("c", 0.4), ("b", 0.2)]]
    assert ranked(scores, LABELS, top_k) == [row[:kept] for row in by_row]
