"""The form of photographs: the middle of the picture in the size of the input, as networks of ImageNet are judged."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from processing.image import Pixels
from processing.spec import ImageSpec
from processing.window import Window

_FILTERS: Mapping[str, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


def photo_form(picture: Pixels, spec: ImageSpec) -> Pixels:
    """RGB uint8 `[h, w, 3]` of any size to uint8 `[height, width, 3]`."""
    left, top, width, height = _part(picture, spec)
    part = Image.fromarray(picture[top : top + height, left : left + width])
    return np.asarray(part.resize((spec.width, spec.height), _FILTERS[spec.resized.interpolation]))


def photo_window(picture: Pixels, spec: ImageSpec) -> Window:
    """The part that `photo_form` shows."""
    return Window(*map(float, _part(picture, spec)))


def _part(picture: Pixels, spec: ImageSpec) -> tuple[int, int, int, int]:
    """Left, top, width and height; of an odd pixel more there is more to the left and above, as in the evaluation of
    EfficientNet."""
    (height, width), crop = picture.shape[:2], spec.resized.crop
    part_height = max(1, int(crop * min(height, width * spec.height / spec.width)))
    part_width = max(1, int(crop * min(width, height * spec.width / spec.height)))
    return (width - part_width + 1) // 2, (height - part_height + 1) // 2, part_width, part_height
