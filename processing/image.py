"""Encoded pictures to uint8 arrays, and arrays to the form a model was trained on."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from processing.errors import TooLargeError, UnreadableInputError, UnusableInputError

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Window:
    """The part of a picture that a model sees: a rectangle in pixels, which may reach beyond the picture."""

    left: float
    top: float
    width: float
    height: float


FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MEDIA_TYPES = ("image/jpeg", "image/jpg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff")

MAX_SCANS = 32  # of a progressive JPEG: encoders write about ten, and each costs as much as the whole picture
_SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")  # neither an escaped byte nor a restart within a scan

# Pillow only warns at its own limit, and only for some formats; `decode` checks every header against ours instead.
Image.MAX_IMAGE_PIXELS = None


def decode(data: bytes, *, max_pixels: int) -> Pixels:
    """The picture as RGB uint8 `[height, width, 3]`, upright as its EXIF orientation says, transparency on white.

    Of an animation the first frame. The header is checked against `max_pixels` before a pixel is decoded.

    Raises:
        UnreadableInputError: not a picture, of another format, truncated or corrupt.
        TooLargeError: more pixels than `max_pixels`, or a JPEG that would draw them over and over.
    """
    with _opened(data) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise TooLargeError(f"the picture has {width}×{height} pixels; at most {max_pixels} are accepted")
        if data.startswith(b"\xff\xd8") and data.count(_SCAN) > MAX_SCANS and _scans(data) > MAX_SCANS:
            raise TooLargeError(f"the picture is drawn in more than {MAX_SCANS} scans; no more are accepted")
        ImageOps.exif_transpose(picture, in_place=True)
        return np.asarray(_flattened(picture), dtype=np.uint8)


def pixels_of(data: bytes) -> int:
    """How many pixels the header announces; nothing is decoded. Raises `UnreadableInputError` as `decode` does."""
    with _opened(data) as picture:
        return picture.width * picture.height


def _scans(jpeg: bytes) -> int:
    """How many there are, those of previews in other segments not counted."""
    scans, at = 0, 2
    while marker := _MARKER.search(jpeg, at):
        at = marker.end()
        kind = marker[1][0]
        if kind == 0xD9:  # the end
            break
        scans += kind == _SCAN[1]
        if kind > 0x01 and kind != 0xD8:  # all others begin with their length
            at += int.from_bytes(jpeg[at : at + 2], "big")
    return scans


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """The picture after its header was read; what its decoder raises in the block is ours."""
    if not data:
        raise UnreadableInputError(f"no bytes; expected a picture as {', '.join(FORMATS)}")
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as picture:
            yield picture
    except (TooLargeError, MemoryError):
        raise
    except UnidentifiedImageError as exc:
        raise UnreadableInputError(f"{len(data)} bytes that are no picture; expected {', '.join(FORMATS)}") from exc
    except Exception as exc:  # Pillow's decoders raise a dozen types on hostile bytes
        raise UnreadableInputError(f"{len(data)} bytes that do not decode as a picture: {exc}") from exc


def _flattened(picture: Image.Image) -> Image.Image:
    """RGB without transparency. 16-bit and float pictures are scaled, not clipped."""
    if picture.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        picture = _to_eight_bits(picture)
    if picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        coloured = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _to_eight_bits(picture: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32))
    top = 65535.0 if picture.mode.startswith("I") else max(float(values.max()), 1e-9)
    return Image.fromarray(np.clip(values * (255.0 / top), 0, 255).astype(np.uint8))


# --- The form of MNIST ------------------------------------------------------------------------------------------------
# Yann LeCun's page of the data set: "normalized to fit in a 20x20 pixel box while preserving their aspect ratio …
# centered in a 28x28 image by computing the center of mass of the pixels".

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


# What `ImageSpec.form` names: a decoded picture to the tensor of one input, without the batch dimension; and to the
# window that this tensor shows.
FORMS: Mapping[str, Callable[[Pixels], Pixels]] = {"digit": digit_form}
WINDOWS: Mapping[str, Callable[[Pixels], Window]] = {"digit": digit_window}
