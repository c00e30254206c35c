"""Neighbours in a row of flags that are all true."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """From each first place that is true until the one behind the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
