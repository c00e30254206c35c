"""The form of Fashion-MNIST inside the graph: the twin of `processing.garment_form`."""

from typing import TYPE_CHECKING

from export.raw.grey import grey
from export.raw.resampling import resized, thumbnail
from processing.garment_form import CLOSE, FIELD, WORKING_SIDE

if TYPE_CHECKING:
    import tensorflow as tf


def garment_form(picture: "tf.Tensor") -> "tf.Tensor":
    """RGB uint8 `[h, w, 3]` to uint8 `[28, 28, 1]`, step by step as `processing.garment_form`."""
    import tensorflow as tf

    levels = _levels(tf.cast(thumbnail(grey(picture), WORKING_SIDE), tf.float32))
    there = levels > CLOSE
    message = (
        f"the picture is blank (nothing differs by more than {CLOSE} of 255 levels from its corners); expected a "
        "garment on a plain ground"
    )
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_any(there), [message])]):
        in_form = tf.reduce_all(tf.shape(levels) == FIELD)
    return _centred(tf.cond(in_form, lambda: levels, lambda: _fitted(_trimmed(levels, there))))[..., tf.newaxis]


def _levels(grey: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    corners = tf.sort(tf.stack([grey[0, 0], grey[0, -1], grey[-1, 0], grey[-1, -1]]))
    ground = (corners[1] + corners[2]) / 2
    brighter, darker = tf.nn.relu(grey - ground), tf.nn.relu(ground - grey)
    return tf.where(tf.reduce_sum(brighter**2) >= tf.reduce_sum(darker**2), brighter, darker)


def _trimmed(levels: "tf.Tensor", there: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    rows, columns = (tf.where(tf.reduce_any(there, axis=axis))[:, 0] for axis in (1, 0))
    return levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(levels: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    shape = tf.cast(tf.shape(levels), tf.float64)
    longer = tf.reduce_max(shape)
    size = tf.cast(tf.maximum(tf.round(shape * (FIELD / longer)), 1), tf.int32)
    return tf.cond(
        longer == FIELD, lambda: levels, lambda: tf.clip_by_value(resized(levels, size, shrink=longer > FIELD), 0, 255)
    )


def _centred(levels: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    free = FIELD - tf.shape(levels)
    before = free // 2
    return tf.ensure_shape(
        tf.pad(tf.cast(tf.round(levels), tf.uint8), tf.stack([before, free - before], axis=1)), [FIELD, FIELD]
    )
