"""Grey levels inside the graph, as Pillow's mode L has them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf


def grey(picture: "tf.Tensor") -> "tf.Tensor":
    """RGB uint8 `[h, w, 3]` to float64 `[h, w]`, whole numbers of 0…255."""
    import tensorflow as tf

    red, green, blue = tf.unstack(tf.cast(picture, tf.int32), num=3, axis=2)
    return tf.cast(tf.bitwise.right_shift(red * 19595 + green * 38470 + blue * 7471 + 2**15, 16), tf.float64)
