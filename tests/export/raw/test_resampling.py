"""The graph resamples as Pillow does."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from export.raw.resampling import resized, thumbnail

HAMMING, BICUBIC = Image.Resampling.HAMMING, Image.Resampling.BICUBIC


@pytest.fixture(scope="module")
def shrunk() -> Any:
    import tensorflow as tf

    spec = tf.TensorSpec([None, None], tf.uint8)
    return tf.function(lambda levels: thumbnail(tf.cast(levels, tf.float64), 64), input_signature=[spec])


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (64, 64),
        (30, 50),
        (65, 64),
        (64, 65),
        (1, 300),
        (300, 1),
        (200, 99),
        (99, 200),
        (301, 280),
        (640, 100),
        (127, 63),
    ],
)
def test_a_thumbnail_of_eight_bits_is_pillows_to_the_bit(shrunk: Any, height: int, width: int) -> None:
    levels = np.random.default_rng(height).integers(0, 256, (height, width), dtype=np.uint8)
    expected = Image.fromarray(levels)
    expected.thumbnail((64, 64), HAMMING, reducing_gap=None)
    np.testing.assert_array_equal(shrunk(levels).numpy(), np.asarray(expected))


@pytest.mark.parametrize(("shrink", "method"), [(True, HAMMING), (False, BICUBIC)])
def test_a_float_picture_is_pillows(shrink: bool, method: Image.Resampling) -> None:
    import tensorflow as tf

    numbers = np.random.default_rng(0)
    for height, width, new_height, new_width in numbers.integers(1, 90, (40, 4)).tolist():
        values = numbers.random((height, width), dtype=np.float32)
        expected = np.asarray(Image.fromarray(values).resize((new_width, new_height), method))
        received = resized(tf.constant(values), tf.constant([new_height, new_width]), shrink=tf.constant(shrink))
        np.testing.assert_allclose(received, expected, atol=2e-7)
