"""Whether the picture of a face is good enough to tell persons apart: how large it is, and how sharp."""

from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from processing.boxes import Box
from processing.image import Pixels

LEAST_SIZE = 40
"""Pixels of the picture. Measured, as `LEAST_SHARPNESS`: docs/decisions/0031."""
LEAST_SHARPNESS = 5.0

_LEFT_OUT = 20  # one of so many

Fault = Literal["small", "blurred"]


class FaceQuality(NamedTuple):
    """`size` is the shorter side of the face's box in pixels of the picture. `sharpness` is the mean square of the
    Laplacian of the grey levels of its aligned chip: it falls with each blur, and for a face that was enlarged."""

    size: int
    sharpness: float

    @property
    def fault(self) -> Fault | None:
        """What of it does not do, None if all does."""
        if self.size < LEAST_SIZE:
            return "small"
        return "blurred" if self.sharpness < LEAST_SHARPNESS else None


def face_quality(box: Box, chip: Pixels) -> FaceQuality:
    """Of the box of a face and its aligned chip, RGB uint8 `[side, side, 3]`."""
    return FaceQuality(min(box.xmax - box.xmin, box.ymax - box.ymin), sharpness(chip))


def sharpness(chip: Pixels) -> float:
    """The mean square of the sum of four neighbours less four times the pixel, over all pixels that have four, without
    the twentieth where it is largest: where a face reaches beyond its picture the chip has the sharpest of edges."""
    grey = np.asarray(Image.fromarray(chip).convert("L"), np.float64)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    squares = np.sort((around - 4 * grey[1:-1, 1:-1]).ravel() ** 2)
    return float(squares[: len(squares) - len(squares) // _LEFT_OUT].mean())
