"""The graph brings whole pictures to a model's size as the gateway does, to a level."""

import numpy as np
import pytest

from export.raw import letterbox
from processing.letterbox import letterboxed


@pytest.mark.parametrize(
    ("height", "width"), [(64, 64), (30, 50), (65, 64), (1, 300), (300, 1), (1, 1), (200, 99), (301, 280), (640, 101)]
)
def test_a_picture_is_pillows_to_a_level(height: int, width: int) -> None:
    picture = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    received = letterbox.letterboxed(picture, 64, 48).numpy()
    expected = letterboxed(picture, 64, 48)
    assert received.dtype == np.uint8
    apart = np.abs(received.astype(int) - expected)
    assert apart.max() <= 1
    assert apart.mean() < 0.2
