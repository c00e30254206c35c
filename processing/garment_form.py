"""The form of Fashion-MNIST: a picture of one garment as its data set has them.

Xiao, Rasul, Vollgraf 2017: edges close to the colour of the corners are trimmed, the longer side becomes 28 pixels, the
shorter one is extended and the garment put into the middle, levels are negated (the shop's pictures are on white).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from processing.errors import UnusableInputError
from processing.image import Pixels
from processing.window import Window

FIELD = 28
CLOSE = 12  # levels: so near to the corners is background, 5 % of 255
WORKING_SIDE = 448  # pixels: larger pictures are reduced first

_SHRINK, _ENLARGE = Image.Resampling.HAMMING, Image.Resampling.BICUBIC

Levels = NDArray[np.float32]  # 0 is background, 255 the furthest from it


def garment_form(picture: NDArray[np.uint8]) -> Pixels:
    """A picture of one garment, on a plain bright or dark ground and of any size, as Fashion-MNIST has it.

    A picture of 28×28 pixels is taken to be trimmed already: so the data set's own are.

    Args:
        picture: uint8 `[h, w]` or `[h, w, 3]` (RGB).

    Returns:
        uint8 `[28, 28, 1]`: bright on black, its longer side 28 pixels, in the middle.

    Raises:
        UnusableInputError: there is nothing in it but background.
    """
    trimmed = _trimmed(picture)
    field = np.zeros((FIELD, FIELD), np.uint8)
    height, width = _fitted_size(trimmed.levels)
    top, left = (FIELD - height) // 2, (FIELD - width) // 2
    field[top : top + height, left : left + width] = _fitted(trimmed.levels, (height, width))
    return field[..., np.newaxis]


def garment_window(picture: NDArray[np.uint8]) -> Window:
    """Where in the picture the 28×28 pixels of its form come from; arguments and errors as there."""
    trimmed = _trimmed(picture)
    height, width = _fitted_size(trimmed.levels)
    per_pixel = np.array(trimmed.levels.shape) / (height, width)  # of the reduced picture
    corner = np.array(trimmed.corner) - per_pixel * ((FIELD - height) // 2, (FIELD - width) // 2)
    scale = np.array(picture.shape[:2]) / trimmed.reduced
    (top, left), (down, across) = corner * scale, FIELD * per_pixel * scale
    return Window(float(left), float(top), float(across), float(down))


class _Trimmed(NamedTuple):
    """The garment's part of the reduced picture, from `corner` (row, column) on; `reduced` is that picture's size."""

    levels: Levels
    corner: tuple[int, int]
    reduced: tuple[int, int]


def _trimmed(picture: NDArray[np.uint8]) -> _Trimmed:
    grey = Image.fromarray(picture).convert("L")
    grey.thumbnail((WORKING_SIDE, WORKING_SIDE), _SHRINK, reducing_gap=None)
    levels = _levels(np.asarray(grey, np.float32))
    there = levels > CLOSE
    if not there.any():
        raise UnusableInputError(
            f"the picture is blank (nothing differs by more than {CLOSE} of 255 levels from its corners); expected a "
            "garment on a plain ground"
        )
    if levels.shape == (FIELD, FIELD):
        return _Trimmed(levels, (0, 0), levels.shape)
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    part = levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _Trimmed(part, (int(rows[0]), int(columns[0])), levels.shape)


def _levels(grey: NDArray[np.float32]) -> Levels:
    """How far each pixel is from the ground, on the side of it that differs most; the corners tell the ground."""
    corners = np.sort(grey[[0, 0, -1, -1], [0, -1, 0, -1]])
    ground = (corners[1] + corners[2]) / 2
    brighter: Levels = np.maximum(grey - ground, 0)
    darker: Levels = np.maximum(ground - grey, 0)
    return brighter if np.vdot(brighter, brighter) >= np.vdot(darker, darker) else darker


def _fitted_size(levels: Levels) -> tuple[int, int]:
    scale = FIELD / max(levels.shape)
    height, width = (max(1, round(length * scale)) for length in levels.shape)
    return height, width


def _fitted(levels: Levels, size: tuple[int, int]) -> NDArray[np.uint8]:
    if size != levels.shape:
        method = _SHRINK if max(levels.shape) > FIELD else _ENLARGE
        levels = np.asarray(Image.fromarray(levels).resize(size[::-1], method), np.float32)
    fitted: Pixels = np.rint(np.clip(levels, 0, 255)).astype(np.uint8)
    return fitted
