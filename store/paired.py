"""Two classifiers on the same rows, compared: pure functions of which rows each answered rightly."""

import math

import numpy as np
from numpy.typing import NDArray

Right = NDArray[np.bool_]
Interval = tuple[float, float]


def paired_difference(ours: Right, theirs: Right, seed: int, draws: int = 2000) -> Interval:
    """95 % bootstrap interval of the difference in accuracy, ours − theirs."""
    difference = ours.astype(np.int8) - theirs.astype(np.int8)
    rng = np.random.default_rng(seed)
    shares = np.array([np.mean(difference == value) for value in (-1, 0, 1)])
    drawn = rng.multinomial(len(difference), shares, draws)  # resampling rows is drawing these three counts
    low, high = np.percentile((drawn[:, 2] - drawn[:, 0]) / len(difference), [2.5, 97.5])
    return float(low), float(high)


def mcnemar(ours: Right, theirs: Right) -> tuple[int, int, float]:
    """McNemar's exact test (McNemar 1947, Psychometrika 12): how many rows only ours has right, how many only theirs,
    and how probable it is that two equally good ones differ by so much or more, in either direction."""
    won, lost = int((ours & ~theirs).sum()), int((~ours & theirs).sum())
    differing = won + lost
    halves = differing * math.log(2)
    tail = sum(math.exp(_log_choose(differing, k) - halves) for k in range(min(won, lost) + 1))
    return won, lost, min(1.0, 2 * tail)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
