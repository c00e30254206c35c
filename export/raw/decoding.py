"""Encoded pictures to pixels inside the graph: the twin of `processing.image.decode`.

Limits, for which the gateway is there: WebP, TIFF and HEIC, which not every TensorFlow Serving can decode, are refused;
the EXIF orientation is read where it is in the first 64 KiB, as cameras write it; transparent parts of a GIF are black,
and its size is that of its largest frame; a BMP with a palette of colours has others; a JPEG may differ by a level or
two, as decoders do.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

    Step = Callable[[tf.Tensor], tf.Tensor]

MAX_PIXELS = 2**24

_PNG, _GIF, _BMP = b"\x89PNG", b"GIF8", b"BM"
_LONGEST_HEADER = 26  # bytes: as far as the sizes of pictures are read here
_HEAD = 2**16  # bytes in which the orientation is looked for
# The tag 0x0112 with its type, its count and its value, in either order of bytes, behind the header of EXIF's TIFF.
_ORIENTATION = (
    r"(?s)^\C*?(?:Exif\x00\x00|eXIf)(?:II\*\x00|MM\x00\*)\C*?"
    r"(?:\x12\x01\x03\x00\x01\x00\x00\x00|\x01\x12\x00\x03\x00\x00\x00\x01\x00)([\x01-\x08])\C*$"
)
_WHITE = 255


def decoded(data: "tf.Tensor") -> "tf.Tensor":
    """One PNG, JPEG, GIF or BMP to RGB uint8 `[height, width, 3]`: transparency on white, the first frame of several.

    INVALID_ARGUMENT is the answer to other bytes, to truncated ones, and to more than `MAX_PIXELS` by the header.
    """
    import tensorflow as tf

    begin = tf.strings.substr(data, 0, 4)
    is_jpeg, is_png, is_gif = tf.io.is_jpeg(data), begin == _PNG, begin == _GIF
    known = is_jpeg | is_png | is_gif | (tf.strings.substr(data, 0, 2) == _BMP)
    whole = tf.strings.length(data) >= _LONGEST_HEADER
    with tf.control_dependencies(
        [tf.debugging.Assert(known & whole, ["no picture, or its first bytes only; expected PNG, JPEG, GIF or BMP"])]
    ):
        data = tf.identity(data)
    cases = [(is_jpeg, lambda: _jpeg(data)), (is_png, lambda: _png(data)), (is_gif, lambda: _gif(data))]
    return _upright(tf.case(cases, default=lambda: _bmp(data)), tf.strings.substr(data, 0, _HEAD))


def _jpeg(data: "tf.Tensor") -> "tf.Tensor":
    """By the method that Pillow uses too, not by TensorFlow's default."""
    import tensorflow as tf

    with tf.control_dependencies([_few_pixels(tf.image.extract_jpeg_shape(data)[:2])]):
        return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


def _png(data: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    size = tf.io.decode_raw(tf.strings.substr(data, 16, 8), tf.int32, little_endian=False)
    bits = tf.cast(tf.io.decode_raw(tf.strings.substr(data, 24, 1), tf.uint8), tf.int32)
    with tf.control_dependencies([_few_pixels(size)]):
        colours, alpha = tf.split(tf.cast(tf.io.decode_png(data, channels=4), tf.int32), [3, 1], axis=2)
    opaque = tf.bitwise.left_shift(1, bits) - 1  # to TensorFlow, where a picture of fewer than 8 bits has no alpha
    return _on_white(colours, tf.where(tf.reduce_all(alpha == opaque), _WHITE, alpha))


def _gif(data: "tf.Tensor") -> "tf.Tensor":
    import tensorflow as tf

    size = tf.io.decode_raw(tf.strings.substr(data, 6, 4), tf.uint16)
    with tf.control_dependencies([_few_pixels(size)]):
        return tf.io.decode_image(data, channels=3, expand_animations=False)


def _bmp(data: "tf.Tensor") -> "tf.Tensor":
    """It is not compressed: who sends many pixels sends many bytes. One, three or four channels become three."""
    import tensorflow as tf

    picture = tf.io.decode_bmp(data)
    return tf.gather(picture, tf.minimum(tf.range(3), tf.shape(picture)[2] - 1), axis=2)


def _upright(picture: "tf.Tensor", head: "tf.Tensor") -> "tf.Tensor":
    """Turned and mirrored as the EXIF orientation in the first bytes says."""
    import tensorflow as tf

    value = tf.strings.regex_replace(head, _ORIENTATION, r"\1")  # one byte, or all of them as they were
    orientation = tf.where(tf.strings.length(value) == 1, tf.io.decode_raw(value, tf.uint8)[0], 1)
    changes: list[tuple[tuple[int, ...], Step]] = [
        ((5, 6, 7, 8), lambda lines: tf.transpose(lines, [1, 0, 2])),
        ((2, 3, 6, 7), lambda lines: lines[:, ::-1]),
        ((3, 4, 7, 8), lambda lines: lines[::-1]),
    ]
    for orientations, change in changes:
        needed = tf.reduce_any(orientation == tf.constant(orientations, tf.uint8))
        picture = tf.cond(needed, partial(change, picture), partial(tf.identity, picture))
    return picture


def _few_pixels(size: "tf.Tensor") -> "tf.Operation":
    """An assertion about height and width, in any order."""
    import tensorflow as tf

    pixels = tf.reduce_prod(tf.cast(size, tf.int64))
    message = tf.strings.format("the picture has {} pixels; at most {} are accepted", [pixels, MAX_PIXELS])
    return tf.debugging.Assert(pixels <= MAX_PIXELS, [message])


def _on_white(colours: "tf.Tensor", alpha: "tf.Tensor") -> "tf.Tensor":
    """As Pillow's `alpha_composite` rounds it."""
    import tensorflow as tf

    mixed = colours * alpha + _WHITE * (255 - alpha)
    scaled = (mixed + 128) * 128
    shift = tf.bitwise.right_shift
    return tf.cast(shift(shift(shift(scaled, 8) + scaled, 8), 7), tf.uint8)
