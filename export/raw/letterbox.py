"""A whole picture inside the graph: the twin of `processing.letterbox`, to a level."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def letterboxed(picture: "tf.Tensor", height: int, width: int) -> "tf.Tensor":
    """RGB uint8 `[h, w, 3]` to uint8 `[height, width, 3]`.

    TensorFlow's resizing with antialiasing has Pillow's weights, but rounds once where Pillow rounds after each pass.
    """
    import tensorflow as tf

    old = tf.cast(tf.shape(picture)[:2], tf.float64)
    scale = tf.reduce_min(tf.constant([height, width], tf.float64) / old)
    new = tf.cast(tf.maximum(tf.round(old * scale), 1), tf.int32)
    resized = tf.image.resize(picture, new, method="bilinear", antialias=True)
    before = (tf.constant([height, width]) - new) // 2
    after = tf.constant([height, width]) - new - before
    edges = tf.stack([[before[0], after[0]], [before[1], after[1]], [0, 0]])
    levels = tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)
    return tf.ensure_shape(tf.pad(levels, edges), [height, width, 3])
