"""Two classifiers on the same rows."""

import numpy as np
import pytest

from store.paired import mcnemar, paired_difference


def test_paired_difference_sees_a_gap_and_no_gap() -> None:
    rng = np.random.default_rng(1)
    good, bad = rng.random(2000) < 0.85, rng.random(2000) < 0.75
    low, high = paired_difference(good, bad, seed=1)
    assert 0 < low < 0.1 < high
    low, high = paired_difference(good, good, seed=1)
    assert low == high == 0


def right(won: int, lost: int, both: int = 50) -> tuple[np.ndarray, np.ndarray]:
    ours = np.array([True] * won + [False] * lost + [True] * both)
    return ours, np.array([False] * won + [True] * lost + [True] * both)


@pytest.mark.parametrize(
    ("won", "lost", "chance"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 5, 1.0), (2, 10, 0.03857), (10, 2, 0.03857), (0, 12, 0.000488), (121, 59, 4.434e-6)],
)
def test_mcnemar_is_the_exact_binomial_test(won: int, lost: int, chance: float) -> None:
    """As scipy.stats.binomtest has it."""
    *rows, probability = mcnemar(*right(won, lost))
    assert rows == [won, lost]
    assert probability == pytest.approx(chance, rel=1e-3)


def test_mcnemar_of_many_rows_does_not_overflow() -> None:
    assert mcnemar(*right(40_000, 40_500))[2] == pytest.approx(0.07862, rel=1e-3)
