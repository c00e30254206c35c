"""Pillow's resampling inside the graph: it is separable and linear, so each pass is a product with a matrix of weights.

The formulas are those of Pillow's `Resample.c`, in float64 as there: the answers are its own, to the bit.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

    Filter = Callable[[tf.Tensor], tf.Tensor]

_ONE = 2**22  # in the whole numbers that are the weights for 8-bit pictures
_HAMMING = (float(np.float32(0.54)), float(np.float32(0.46)))


def thumbnail(levels: "tf.Tensor", side: int) -> "tf.Tensor":
    """`Image.thumbnail((side, side), HAMMING, reducing_gap=None)` of grey levels.

    Args:
        levels: float64 `[h, w]`, whole numbers of 0…255; so is the result.
    """
    import tensorflow as tf

    size = _thumbnail_size(tf.shape(levels), side)
    down, across = (_weights(old, new, _hamming, 1) for old, new in _sides(levels, size))
    down, across = (tf.floor(weights * _ONE + 0.5) for weights in (down, across))  # none is negative
    return _resampled(levels, down, across, lambda sums: tf.clip_by_value(tf.floor((sums + _ONE // 2) / _ONE), 0, 255))


def resized(values: "tf.Tensor", size: "tf.Tensor", *, shrink: "tf.Tensor") -> "tf.Tensor":
    """`Image.resize` of a float picture: with HAMMING where it is to shrink, else with BICUBIC.

    Args:
        values: float32 `[h, w]`.
        size: int32 `[2]`, the new height and width.
    """
    import tensorflow as tf

    sides = _sides(values, size)
    down, across = tf.cond(
        shrink,
        lambda: [_weights(old, new, _hamming, 1) for old, new in sides],
        lambda: [_weights(old, new, _bicubic, 2) for old, new in sides],
    )
    between = _resampled(
        tf.cast(values, tf.float64), down, across, lambda sums: tf.cast(tf.cast(sums, tf.float32), tf.float64)
    )
    return tf.cast(between, tf.float32)


def resized_colours(picture: "tf.Tensor", size: "tf.Tensor", interpolation: str) -> "tf.Tensor":
    """`Image.resize` of a picture in colours. In float32, for the sake of large pictures: a sum in the middle between
    two levels may become the other one.

    Args:
        picture: uint8 `[h, w, 3]`; so is the result, `[height, width, 3]`.
        size: the new height and width, int32 `[2]`.
        interpolation: a name in `FILTERS`.
    """
    import tensorflow as tf

    shape, support = FILTERS[interpolation]
    planes = tf.transpose(tf.cast(picture, tf.float32), [2, 0, 1])
    sides = _sides(picture[..., 0], size)
    down, across = (_rounded(_weights(old, new, shape, support)) for old, new in sides)
    levels = _resampled(planes, down, across, lambda sums: tf.clip_by_value(tf.floor(sums + 0.5), 0, 255))
    return tf.transpose(tf.cast(levels, tf.uint8), [1, 2, 0])


def _rounded(weights: "tf.Tensor") -> "tf.Tensor":
    """As whole numbers hold them, float32."""
    import tensorflow as tf

    return tf.cast(tf.sign(weights) * tf.floor(tf.abs(weights) * _ONE + 0.5) / _ONE, tf.float32)


def _resampled(values: "tf.Tensor", down: "tf.Tensor", across: "tf.Tensor", kept: "Filter") -> "tf.Tensor":
    """Both passes over the last two dimensions, in Pillow's order; `kept` is what a picture can hold of the sums of a
    pass."""
    import tensorflow as tf

    (height, old_height), (width, old_width) = tf.unstack(tf.shape(down)), tf.unstack(tf.shape(across))
    down_first = (height < old_height) & (old_height - height > 2 * (old_width - width))
    return tf.cond(
        down_first,
        lambda: kept(tf.matmul(kept(tf.matmul(down, values)), across, transpose_b=True)),
        lambda: kept(tf.matmul(down, kept(tf.matmul(values, across, transpose_b=True)))),
    )


def _sides(values: "tf.Tensor", size: "tf.Tensor") -> list[tuple["tf.Tensor", "tf.Tensor"]]:
    """Old and new height, old and new width."""
    import tensorflow as tf

    return list(zip(tf.unstack(tf.shape(values)), tf.unstack(size), strict=True))


def _thumbnail_size(shape: "tf.Tensor", side: int) -> "tf.Tensor":
    """Height and width, int32 `[2]`: at that aspect, no side longer than `side` or than it was."""
    import tensorflow as tf

    height, width = tf.unstack(tf.cast(shape, tf.float64))
    aspect = width / height
    narrow = _nearest(side * aspect, lambda n: tf.abs(aspect - n / side))
    flat = _nearest(side / aspect, lambda n: tf.where(n > 0, tf.abs(aspect - side / n), tf.zeros_like(n)))
    small = (width <= side) & (height <= side)
    new_height = tf.where(small, height, tf.where(aspect <= 1, tf.cast(side, tf.float64), flat))
    new_width = tf.where(small, width, tf.where(aspect <= 1, narrow, tf.cast(side, tf.float64)))
    return tf.cast([new_height, new_width], tf.int32)


def _nearest(number: "tf.Tensor", distance: "Filter") -> "tf.Tensor":
    """The whole number beside `number` with the smaller distance, the lower one of equals; at least 1."""
    import tensorflow as tf

    lower, upper = tf.floor(number), tf.math.ceil(number)
    return tf.maximum(tf.where(distance(lower) <= distance(upper), lower, upper), 1)


def _weights(old: "tf.Tensor", new: "tf.Tensor", shape: "Filter", support: int) -> "tf.Tensor":
    """float64 `[new, old]`: what each old line adds to each new one. A filter is stretched when a picture shrinks."""
    import tensorflow as tf

    scale = tf.cast(old, tf.float64) / tf.cast(new, tf.float64)
    stretch = tf.maximum(scale, 1)
    centres = (tf.range(new, dtype=tf.float64)[:, tf.newaxis] + 0.5) * scale
    lines = tf.range(old, dtype=tf.float64)[tf.newaxis]
    first, end = (tf.floor(tf.maximum(centres + reach + 0.5, 0)) for reach in (-support * stretch, support * stretch))
    weights = shape(tf.abs((lines - centres + 0.5) * (1 / stretch)))
    weights = tf.where((lines >= first) & (lines < end), weights, tf.zeros_like(weights))
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def _hamming(distance: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    angle = distance * math.pi
    middle, wave = _HAMMING
    inside = tf.math.divide_no_nan(tf.sin(angle), angle) * (middle + wave * tf.cos(angle))
    return tf.where(distance == 0, tf.ones_like(angle), tf.where(distance < 1, inside, tf.zeros_like(angle)))


def _bicubic(distance: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    x, a = distance, -0.5
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return tf.where(x < 1, near, tf.where(x < 2, far, tf.zeros_like(x)))


def _bilinear(distance: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    return tf.nn.relu(1 - distance)


FILTERS: Mapping[str, tuple["Filter", int]] = {"bilinear": (_bilinear, 1), "bicubic": (_bicubic, 2)}
"""Pillow's, with how far each reaches: what `Resize.interpolation` names."""
