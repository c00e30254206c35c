"""The form of photographs inside the graph: the twin of `processing.photo_form`."""

from typing import TYPE_CHECKING

from export.raw.resampling import resized_colours
from processing.photo_form import LONGEST
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import tensorflow as tf


def photo_form(picture: "tf.Tensor", spec: ImageSpec) -> "tf.Tensor":
    """RGB uint8 `[h, w, 3]` to uint8 `[height, width, 3]`."""
    import tensorflow as tf

    old_height, old_width = tf.unstack(tf.shape(picture)[:2])
    if spec.resized.fit == "shorter":
        tall, wide = tf.minimum(old_height, LONGEST * old_width), tf.minimum(old_width, LONGEST * old_height)
        above, beside = (old_height - tall) // 2, (old_width - wide) // 2
        middle = picture[above : above + tall, beside : beside + wide]
        smaller = resized_colours(middle, _made_smaller(tall, wide, spec), spec.resized.interpolation)
        height, width = tf.unstack(tf.shape(smaller)[:2])
        top, left = (height - spec.height) // 2, (width - spec.width) // 2
        cut = smaller[top : top + spec.height, left : left + spec.width]
        return tf.ensure_shape(cut, [spec.height, spec.width, 3])
    height, width = _part(old_height, old_width, spec), _part(old_width, old_height, spec, turned=True)
    top, left = (old_height - height + 1) // 2, (old_width - width + 1) // 2
    part = picture[top : top + height, left : left + width]
    size = tf.constant([spec.height, spec.width])
    return tf.ensure_shape(resized_colours(part, size, spec.resized.interpolation), [spec.height, spec.width, 3])


def _part(side: "tf.Tensor", other: "tf.Tensor", spec: ImageSpec, *, turned: bool = False) -> "tf.Tensor":
    """How much of a side is seen, the height or, `turned`, the width. In float64, one operation after the other, as the
    gateway has it."""
    import tensorflow as tf

    wanted, other_wanted = (spec.width, spec.height) if turned else (spec.height, spec.width)
    fitting = tf.cast(side, tf.float64)
    if spec.resized.fit == "crop":
        fitting = tf.minimum(fitting, tf.cast(other, tf.float64) * wanted / other_wanted)
    return tf.maximum(tf.cast(spec.resized.crop * fitting, tf.int32), 1)


def _made_smaller(height: "tf.Tensor", width: "tf.Tensor", spec: ImageSpec) -> "tf.Tensor":
    """Height and width, int32 `[2]`, of all of the picture before the middle is cut out."""
    import tensorflow as tf

    shorter = int(spec.height / spec.resized.crop)
    longer = tf.cast(shorter * tf.maximum(height, width) / tf.minimum(height, width), tf.int32)
    return tf.where(width <= height, tf.stack([longer, shorter]), tf.stack([shorter, longer]))
