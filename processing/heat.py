"""A heat-map over a picture: colours where there is heat, the picture itself where there is none."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from processing.image import Pixels
from processing.window import Window

_COLD, _HOT = (255, 214, 0), (214, 0, 0)  # yellow to red: seen on black ink and on white paper
_MOST = 0.65  # of the picture is covered where the heat is greatest

_LEVELS = np.arange(256) / 255
_PALETTE = np.rint(np.outer(1 - _LEVELS, _COLD) + np.outer(_LEVELS, _HOT)).astype(np.uint8).tobytes()
_COVER = [round(255 * _MOST * level) for level in _LEVELS]


def heated(picture: Pixels, heat: NDArray[np.floating[Any]], window: Window) -> Pixels:
    """The picture with `heat` over it.

    Args:
        picture: uint8 RGB `[height, width, 3]`.
        heat: `[h, w]`, clipped to 0…1; it fills the window, and outside there is none.
    """
    height, width = picture.shape[:2]
    level = Image.fromarray(np.rint(255 * np.clip(heat, 0, 1)).astype(np.uint8))
    across, down = level.width / window.width, level.height / window.height
    level = level.transform(
        (width, height),
        Image.Transform.AFFINE,
        (across, 0, -across * window.left, 0, down, -down * window.top),
        resample=Image.Resampling.BILINEAR,
    )
    cover = level.point(_COVER)
    level.putpalette(_PALETTE)
    return np.asarray(Image.composite(level.convert("RGB"), Image.fromarray(picture), cover))


def png(picture: Pixels) -> bytes:
    """Packed quickly rather than tightly: it is made while someone waits."""
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
