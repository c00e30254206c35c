"""Pictures that are nearly the same: saved again, made smaller, a little brighter. Told by what is left of them in few
pixels, each of which is compared with each."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from processing.image import Pixels
from training.data.alike import leader

SIDE = 12  # pixels
ALIKE = 3.0  # of 255 levels: pictures whose thumbnails differ by less, as the root of the mean square, are alike

_TOGETHER = 1024  # that are compared at once with all others

Thumbnail = NDArray[np.uint8]


def thumbnail(picture: Pixels) -> Thumbnail:
    """RGB `[h, w, 3]` to `[SIDE, SIDE, 3]`, whatever its shape was: each pixel the mean of its part."""
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def alike_pictures(thumbnails: Sequence[Thumbnail]) -> list[int]:
    """For each the number of its group: the place of the group's first. Of nearly the same pictures that are also
    nearly the same as others, all are in one group."""
    leaders = [*range(len(thumbnails))]
    rows = np.array(thumbnails, np.float32).reshape(len(thumbnails), -1)
    squares = (rows**2).sum(axis=1)
    most = ALIKE**2 * rows.shape[1] if len(rows) else 0.0
    for start in range(0, len(rows), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        distances = squares[some, np.newaxis] + squares - 2 * rows[some] @ rows.T
        for one, other in np.argwhere(distances < most).tolist():
            first, second = leader(leaders, start + one), leader(leaders, other)
            leaders[max(first, second)] = min(first, second)
    return [leader(leaders, place) for place in range(len(leaders))]
