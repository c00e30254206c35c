"""Whether two faces are of one person: by the distance of their vectors, from where on they count as two."""

import numpy as np
from numpy.typing import ArrayLike

THRESHOLD = 0.5
"""Vectors that are less apart count as those of one person. Between what was measured, docs/decisions/0031."""

FALSE_ACCEPTS, FALSE_REJECTS = "false accepts", "false rejects"
"""Metrics of a version: the share of pairs of two persons that count as one, and of pairs of one that count as two."""


def distance(one: ArrayLike, other: ArrayLike) -> float:
    """Euclidean."""
    return float(np.linalg.norm(np.asarray(one, np.float64) - np.asarray(other, np.float64)))
