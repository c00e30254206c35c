"""The form of photographs: the middle of the picture in the size of the input, as networks of ImageNet are judged."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from processing.image import Pixels
from processing.spec import ImageSpec
from processing.window import Window

LONGEST = 8  # times as long as wide a picture may be that is made smaller before it is cut: it would take memory
_FILTERS: Mapping[str, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def photo_form(picture: Pixels, spec: ImageSpec) -> Pixels:
    """RGB uint8 `[h, w, 3]` of any size to uint8 `[height, width, 3]`."""
    interpolation = _FILTERS[spec.resized.interpolation]
    if spec.resized.fit == "shorter":
        middle = picture[tuple(slice(at, at + size) for at, size in _middle(picture))]
        height, width = _made_smaller(middle, spec)
        smaller = np.asarray(Image.fromarray(middle).resize((width, height), interpolation))
        top, left = (height - spec.height) // 2, (width - spec.width) // 2
        return smaller[top : top + spec.height, left : left + spec.width]
    left, top, width, height = _part(picture, spec)
    part = Image.fromarray(picture[top : top + height, left : left + width])
    return np.asarray(part.resize((spec.width, spec.height), interpolation))


def photo_window(picture: Pixels, spec: ImageSpec) -> Window:
    """The part that `photo_form` shows."""
    if spec.resized.fit == "shorter":
        (above, tall), (beside, wide) = _middle(picture)
        height, width = _made_smaller(picture[:tall, :wide], spec)
        down, across = tall / height, wide / width
        top, left = (height - spec.height) // 2, (width - spec.width) // 2
        return Window(beside + left * across, above + top * down, spec.width * across, spec.height * down)
    return Window(*map(float, _part(picture, spec)))


def _part(picture: Pixels, spec: ImageSpec) -> tuple[int, int, int, int]:
    """Left, top, width and height; of an odd pixel more there is more to the left and above, as in the evaluation of
    EfficientNet."""
    height, width = picture.shape[:2]
    fitting: tuple[float, float] = height, width
    if spec.resized.fit == "crop":
        fitting = min(height, width * spec.height / spec.width), min(width, height * spec.width / spec.height)
    part_height, part_width = (max(1, int(spec.resized.crop * side)) for side in fitting)
    return (width - part_width + 1) // 2, (height - part_height + 1) // 2, part_width, part_height


def _middle(picture: Pixels) -> tuple[tuple[int, int], ...]:
    """Where the part begins that is not too long, and how long it is: down, across."""
    height, width = picture.shape[:2]
    tall, wide = min(height, LONGEST * width), min(width, LONGEST * height)
    return ((height - tall) // 2, tall), ((width - wide) // 2, wide)


def _made_smaller(picture: Pixels, spec: ImageSpec) -> tuple[int, int]:
    """Height and width of all of the picture, before the middle is cut out. The input is a square."""
    (height, width), shorter = picture.shape[:2], int(spec.height / spec.resized.crop)
    return (int(shorter * height / width), shorter) if width <= height else (shorter, int(shorter * width / height))
