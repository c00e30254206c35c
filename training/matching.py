"""Which things of a picture a detector found: boxes of the right label that are where a thing is."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.boxes import Box, Detection

SAME = 0.5  # intersection over union from which two boxes are one


class Thing(NamedTuple):
    """What is there, and where."""

    label: str
    box: Box


class Matched(NamedTuple):
    """`found` bool `[things]`; `false` of what was told are at no thing, or at one that a better box had found."""

    found: NDArray[np.bool_]
    false: int

    @property
    def whole(self) -> bool:
        """Nothing was missed and nothing told that is not there."""
        return bool(self.found.all()) and not self.false


def matched(told: Sequence[Detection], things: Sequence[Thing]) -> Matched:
    """Each of `told`, by falling score, finds the thing of its label that it overlaps most and that none before it has
    found, if that is by 0.5 or more."""
    found = np.zeros(len(things), np.bool_)
    for one in sorted(told, key=lambda one: -one.score):
        overlaps = [
            0.0 if found[place] or thing.label != one.label else overlap(one.box, thing.box)
            for place, thing in enumerate(things)
        ]
        best = int(np.argmax(overlaps)) if overlaps else 0
        if overlaps and overlaps[best] >= SAME:
            found[best] = True
    return Matched(found, len(told) - int(found.sum()))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union, 0…1; 0 for a box without an area."""
    width = min(one.xmax, other.xmax) - max(one.xmin, other.xmin)
    height = min(one.ymax, other.ymax) - max(one.ymin, other.ymin)
    both = max(width, 0) * max(height, 0)
    areas = sum((box.xmax - box.xmin) * (box.ymax - box.ymin) for box in (one, other))
    return both / (areas - both) if both else 0.0
