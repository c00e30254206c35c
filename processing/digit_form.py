"""The form of MNIST: a picture of one digit as its data set has them.

Yann LeCun's page of the data set: "normalized to fit in a 20x20 pixel box while preserving their aspect ratio …
centered in a 28x28 image by computing the center of mass of the pixels".
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from processing.errors import UnusableInputError
from processing.image import Pixels
from processing.window import Window

FIELD = 28
BOX = 20
INK = 0.3  # of the strongest ink: what counts as part of the digit when its box is measured
NOISE = 0.15  # of the strongest ink: what is taken for background
MIN_CONTRAST = 16  # levels between ink and background under which a picture is blank
STROKE = 2.2  # pixels: the stroke width in the 20×20 box under which thin lines are thickened
WORKING_SIDE = 256  # pixels: larger pictures are reduced first; a 20×20 box needs no more
TIE = 1e-3  # pixels: so much nearer counts the next pixel, for the middle of a symmetrical digit lies between two
DRAWING_SIDE = 80  # pixels: the cropped digit is reduced to this before its strokes are measured

_SHRINK, _ENLARGE = Image.Resampling.HAMMING, Image.Resampling.BICUBIC

Ink = NDArray[np.float32]  # 0 is background, 1 the strongest ink


def digit_form(picture: NDArray[np.uint8]) -> Pixels:
    """A picture of one digit, bright on dark or dark on bright, anywhere and of any size, as MNIST has it.

    Args:
        picture: uint8 `[h, w]` or `[h, w, 3]` (RGB).

    Returns:
        uint8 `[28, 28, 1]`: ink bright on black, its longer side 20 pixels, its centre of mass in the middle.

    Raises:
        UnusableInputError: the picture is blank.
    """
    boxed = _drawn(picture).boxed
    return _centred(boxed, _corner(boxed))[..., np.newaxis]


def digit_window(picture: NDArray[np.uint8]) -> Window:
    """Where in the picture the 28×28 pixels of its digit form come from; arguments and errors as there."""
    drawn = _drawn(picture)
    per_pixel = _size(picture) / _size(drawn.ink) * _size(drawn.digit) / _size(drawn.drawing)  # of the drawing
    scale = _size(drawn.thick) / _size(drawn.boxed)
    border = (_size(drawn.thick) - _size(drawn.drawing)) / 2
    corner = (-np.array(_corner(drawn.boxed)) * scale - border) * per_pixel
    top, left = corner + np.array(drawn.corner) * _size(picture) / _size(drawn.ink)
    height, width = FIELD * scale * per_pixel
    return Window(float(left), float(top), float(width), float(height))


class _Drawn(NamedTuple):
    """A digit on its way to its form: the reduced picture's ink, and what is made of its part from `corner` on."""

    ink: Ink
    corner: tuple[int, int]  # row, column
    digit: Ink
    drawing: Ink
    thick: Ink
    boxed: Ink


def _drawn(picture: NDArray[np.uint8]) -> _Drawn:
    """Cropped; thin strokes are thickened before the longer side becomes 20 pixels, so that they survive that."""
    ink = _ink(_reduced(picture))
    rows, columns = np.nonzero(ink > INK)
    top, left = rows.min(), columns.min()
    digit = ink[top : rows.max() + 1, left : columns.max() + 1]
    drawing = _fitted(digit, DRAWING_SIDE) if max(digit.shape) > DRAWING_SIDE else digit
    thick = _thickened(drawing)
    return _Drawn(ink, (int(top), int(left)), digit, drawing, thick, _fitted(thick, BOX))


def _size(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Height and width."""
    return np.array(pixels.shape[:2], float)


def _reduced(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey levels as float32 `[h, w]`, no side longer than the working side."""
    grey = Image.fromarray(picture).convert("L")
    grey.thumbnail((WORKING_SIDE, WORKING_SIDE), _SHRINK, reducing_gap=None)
    return np.asarray(grey, dtype=np.float32)


def _ink(grey: NDArray[np.float32]) -> Ink:
    """Ink as 0…1. The border's median is the background; ink is what lies on the side that differs most from it."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    difference = grey - _quantile(border, 0.5)
    brighter, darker = np.maximum(difference, 0), np.maximum(-difference, 0)
    ink = brighter if np.vdot(brighter, brighter) >= np.vdot(darker, darker) else darker
    inked = ink[ink > 0]
    strongest = _quantile(inked, 0.98) if inked.size else np.float32(0)
    if strongest < MIN_CONTRAST:
        raise UnusableInputError(
            f"the picture is blank (contrast {strongest:.0f} of 255); expected a digit that differs from its background"
        )
    shares: Ink = np.minimum(ink / strongest, np.float32(1))
    shares[shares < NOISE] = 0
    return shares


def _quantile(values: NDArray[np.float32], share: float) -> np.float32:
    """As `np.quantile` has it, linear between neighbours; that one takes ten times as long over a few hundred values.

    `values` is a list with something in it.
    """
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    parted = np.partition(values, (below, above))
    return np.float32(parted[below] + (parted[above] - parted[below]) * np.float32(place - below))


def _fitted(digit: Ink, side: int) -> Ink:
    """Resized so that the longer side is `side`, the strongest ink 1 again."""
    scale = side / max(digit.shape)
    height, width = (max(1, round(length * scale)) for length in digit.shape)
    method = _SHRINK if scale < 1 else _ENLARGE
    resized = np.minimum(np.maximum(np.asarray(Image.fromarray(digit).resize((width, height), method)), 0), 1)
    return np.asarray(resized / resized.max(), dtype=np.float32)


def _thickened(digit: Ink) -> Ink:
    """Strokes widened by as many pixels as they would lack in the 20×20 box. The picture grows by that border."""
    drawn = digit > INK
    up, down, left, right = _neighbours(drawn)
    inside = np.count_nonzero(drawn & up & down & left & right)
    area = np.count_nonzero(drawn)
    stroke = 2 * area / (area - inside)  # area to half its edge: the width of a line
    lacking = STROKE * max(digit.shape) / BOX - stroke
    steps = max(0, round(lacking / 2))
    digit = _bordered(digit, steps)
    for _ in range(steps):
        digit = np.maximum.reduce([digit, *_neighbours(digit)])
    return digit


def _neighbours(values: NDArray[Any]) -> list[NDArray[Any]]:
    """The array moved by one pixel to each of the four sides, zeros coming in."""
    height, width = values.shape
    padded = _bordered(values, 1)
    return [padded[y : y + height, x : x + width] for y, x in ((1, 0), (1, 2), (0, 1), (2, 1))]


def _bordered(values: NDArray[Any], width: int) -> NDArray[Any]:
    """With `width` zeros on each side: as `np.pad`, in a fifth of its time."""
    padded = np.zeros((values.shape[0] + 2 * width, values.shape[1] + 2 * width), values.dtype)
    padded[width : width + values.shape[0], width : width + values.shape[1]] = values
    return padded


def _corner(boxed: Ink) -> tuple[int, int]:
    """Row and column of the box on the field, its centre of mass in the middle as far as the box stays inside."""
    height, width = boxed.shape
    by_row, by_column = boxed.sum(axis=1), boxed.sum(axis=0)
    weight = by_row.sum()
    middle = FIELD / 2  # where MNIST's own centres of mass lie
    top = min(max(round(middle - by_row @ np.arange(height) / weight + TIE), 0), FIELD - height)
    left = min(max(round(middle - by_column @ np.arange(width) / weight + TIE), 0), FIELD - width)
    return top, left


def _centred(boxed: Ink, corner: tuple[int, int]) -> Pixels:
    """On the field."""
    (top, left), (height, width) = corner, boxed.shape
    field = np.zeros((FIELD, FIELD), np.uint8)
    field[top : top + height, left : left + width] = np.rint(boxed * 255)
    return field
