"""How fast something grows, from samples in which jumps and noise are."""

import itertools
import statistics
from collections.abc import Sequence


def slope(samples: Sequence[float]) -> float:
    """Per sample: the median of the slopes between all pairs (Theil and Sen), which a jump cannot fool."""
    pairs = itertools.combinations(enumerate(samples), 2)
    return statistics.median((b - a) / (j - i) for (i, a), (j, b) in pairs)
