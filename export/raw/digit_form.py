"""The form of MNIST inside the graph: the twin of `processing.digit_form`."""

from typing import TYPE_CHECKING

from export.raw.grey import grey
from export.raw.resampling import resized, thumbnail
from processing.digit_form import BOX, DRAWING_SIDE, FIELD, INK, MIN_CONTRAST, NOISE, STROKE, TIE, WORKING_SIDE

if TYPE_CHECKING:
    import tensorflow as tf


def digit_form(picture: "tf.Tensor") -> "tf.Tensor":
    """RGB uint8 `[h, w, 3]` to uint8 `[28, 28, 1]`, step by step as `processing.digit_form`."""
    import tensorflow as tf

    ink = _ink(tf.cast(thumbnail(grey(picture), WORKING_SIDE), tf.float32))
    drawn = ink > INK
    rows, columns = (tf.where(tf.reduce_any(drawn, axis=axis))[:, 0] for axis in (1, 0))
    return _centred(_boxed(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))[..., tf.newaxis]


def _ink(grey: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    border = tf.sort(tf.concat([grey[0], grey[-1], grey[:, 0], grey[:, -1]], axis=0))
    middle = tf.size(border) // 2
    background = (border[(tf.size(border) - 1) // 2] + border[middle]) / 2
    brighter, darker = tf.nn.relu(grey - background), tf.nn.relu(background - grey)
    ink = tf.where(tf.reduce_sum(brighter**2) >= tf.reduce_sum(darker**2), brighter, darker)
    some = tf.boolean_mask(ink, ink > 0)
    strongest = tf.cond(tf.size(some) > 0, lambda: _percentile(some, 0.98), lambda: tf.constant(0.0))
    message = tf.strings.format(
        "the picture is blank (contrast {} of 255); expected a digit that differs from its background", strongest
    )
    with tf.control_dependencies([tf.debugging.Assert(strongest >= MIN_CONTRAST, [message])]):
        ink = tf.clip_by_value(ink / strongest, 0, 1)
    return tf.where(ink < NOISE, tf.zeros_like(ink), ink)


def _percentile(values: "tf.Tensor", share: float) -> "tf.Tensor":
    """NumPy's, between the two nearest values. Only those above are sorted."""
    import tensorflow as tf

    last = tf.size(values) - 1
    place = tf.cast(last, tf.float64) * share
    lower = tf.cast(tf.floor(place), tf.int32)
    upper = tf.minimum(lower + 1, last)
    descending = tf.math.top_k(values, last - lower + 1).values
    low, high = descending[last - lower], descending[last - upper]
    part = place - tf.floor(place)
    from_low, from_high = tf.cast(part, tf.float32), tf.cast(1 - part, tf.float32)
    return tf.where(part < 0.5, low + (high - low) * from_low, high - (high - low) * from_high)


def _boxed(digit: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    large = tf.reduce_max(tf.shape(digit)) > DRAWING_SIDE
    return _fitted(_thickened(tf.cond(large, lambda: _fitted(digit, DRAWING_SIDE), lambda: digit)), BOX)


def _fitted(digit: "tf.Tensor", side: int) -> "tf.Tensor":
    import tensorflow as tf

    shape = tf.cast(tf.shape(digit), tf.float64)
    scale = side / tf.reduce_max(shape)
    size = tf.cast(tf.maximum(tf.round(shape * scale), 1), tf.int32)
    fitted = tf.clip_by_value(resized(digit, size, shrink=scale < 1), 0, 1)
    return fitted / tf.reduce_max(fitted)


def _thickened(digit: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    drawn = digit > INK
    inside = tf.reduce_all(tf.stack(_with_neighbours(drawn)), axis=0)
    area, core = (tf.cast(tf.math.count_nonzero(part), tf.float64) for part in (drawn, inside))
    longer = tf.cast(tf.reduce_max(tf.shape(digit)), tf.float64)
    lacking = STROKE * longer / BOX - 2 * area / (area - core)
    steps = tf.maximum(tf.cast(tf.round(lacking / 2), tf.int32), 0)
    _, thickened = tf.while_loop(
        lambda step, _: step < steps,
        lambda step, digit: (step + 1, tf.reduce_max(tf.stack(_with_neighbours(digit)), axis=0)),
        (0, tf.pad(digit, tf.fill([2, 2], steps))),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, None])),
    )
    return thickened


def _with_neighbours(values: "tf.Tensor") -> list["tf.Tensor"]:
    import tensorflow as tf

    height, width = tf.unstack(tf.shape(values))
    padded = tf.pad(values, [[1, 1], [1, 1]])
    return [padded[y : y + height, x : x + width] for y, x in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))]


def _centred(boxed: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    ink = tf.cast(boxed, tf.float64)
    edges = []
    for axis, length in enumerate(tf.unstack(tf.shape(boxed))):
        lines = tf.reduce_sum(ink, axis=1 - axis)
        centre = tf.reduce_sum(lines * tf.range(length, dtype=tf.float64)) / tf.reduce_sum(ink)
        free = FIELD - length
        before = tf.clip_by_value(tf.cast(tf.round(FIELD / 2 - centre + TIE), tf.int32), 0, free)
        edges.append([before, free - before])
    return tf.ensure_shape(tf.pad(tf.cast(tf.round(boxed * 255), tf.uint8), edges), [FIELD, FIELD])
