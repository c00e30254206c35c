"""The form of photographs inside the graph: the twin of `processing.photo_form`."""

from typing import TYPE_CHECKING

from export.raw.resampling import resized_colours
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import tensorflow as tf


def photo_form(picture: "tf.Tensor", spec: ImageSpec) -> "tf.Tensor":
    """RGB uint8 `[h, w, 3]` to uint8 `[height, width, 3]`."""
    import tensorflow as tf

    old_height, old_width = tf.unstack(tf.shape(picture)[:2])
    height = _side(old_height, old_width, spec.height, spec.width, spec.resized.crop)
    width = _side(old_width, old_height, spec.width, spec.height, spec.resized.crop)
    top, left = (old_height - height + 1) // 2, (old_width - width + 1) // 2
    part = picture[top : top + height, left : left + width]
    return resized_colours(part, (spec.height, spec.width), spec.resized.interpolation)


def _side(side: "tf.Tensor", other: "tf.Tensor", wanted: int, other_wanted: int, crop: float) -> "tf.Tensor":
    """Of the part that is seen. In float64, one operation after the other, as the gateway has it."""
    import tensorflow as tf

    fitting = tf.cast(other, tf.float64) * wanted / other_wanted
    return tf.maximum(tf.cast(crop * tf.minimum(tf.cast(side, tf.float64), fitting), tf.int32), 1)
