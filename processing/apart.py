"""Moments of what is said one after the other, none of which begins before the one before it ends."""

from collections.abc import Sequence

import numpy as np

_PER_S = 100
_LEAST = 2  # hundredths of a second; whoever shows a word at its time has to see it


def apart(spans: Sequence[tuple[float, float]], since_s: float, until_s: float) -> list[tuple[float, float]]:
    """The same begins and ends in seconds, to hundredths, between two moments, moved no further than needed: each lasts
    0.02 s at least, or as much less as there is room, and ends when the next one begins, or before."""
    if not spans:
        return []
    since, until = round(since_s * _PER_S), round(until_s * _PER_S)
    least = min(_LEAST, max(0, until - since) // len(spans))
    number = np.arange(len(spans))
    starts, ends = np.rint(np.array(spans).T * _PER_S).astype(int)
    starts = np.maximum.accumulate(np.maximum(starts, since) - least * number) + least * number
    starts = np.minimum(starts, max(since, until) - least * number[::-1] - least)
    ends = np.clip(ends, starts + least, np.append(starts[1:], max(since, until)))
    return list(zip((starts / _PER_S).tolist(), (ends / _PER_S).tolist(), strict=True))
