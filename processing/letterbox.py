"""The form of a whole picture: as large as fits, in the middle, its proportions kept, black around."""

import numpy as np
from PIL import Image

from processing.image import Pixels
from processing.window import Window


def letterboxed(picture: Pixels, height: int, width: int) -> Pixels:
    """uint8 RGB `[h, w, 3]` of any size, to uint8 `[height, width, 3]`."""
    old_height, old_width = picture.shape[:2]
    new_height, new_width = _inner_size(old_height, old_width, height, width)
    top, left = (height - new_height) // 2, (width - new_width) // 2
    field = np.zeros((height, width, 3), np.uint8)
    resized = Image.fromarray(picture).resize((new_width, new_height), Image.Resampling.BILINEAR)
    field[top : top + new_height, left : left + new_width] = np.asarray(resized)
    return field


def letterbox_window(picture: Pixels, height: int, width: int) -> Window:
    """Where in the picture the pixels of its form come from; beyond its edges where they are black."""
    old_height, old_width = picture.shape[:2]
    new_height, new_width = _inner_size(old_height, old_width, height, width)
    per_row, per_column = old_height / new_height, old_width / new_width
    return Window(
        left=-((width - new_width) // 2) * per_column,
        top=-((height - new_height) // 2) * per_row,
        width=width * per_column,
        height=height * per_row,
    )


def _inner_size(old_height: int, old_width: int, height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture that is resized to fit, a pixel at least; halves become the even number."""
    scale = min(height / old_height, width / old_width)
    return max(1, round(old_height * scale)), max(1, round(old_width * scale))
