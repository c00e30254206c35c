"""A whole picture in the middle of a model's input, and the way back."""

import numpy as np
import pytest
from PIL import Image

from processing.letterbox import letterbox_window, letterboxed


def test_a_wide_picture_has_black_above_and_below() -> None:
    form = letterboxed(np.full((30, 60, 3), 200, np.uint8), 64, 64)
    assert form.shape == (64, 64, 3)
    assert form.dtype == np.uint8
    assert (form[16:48] == 200).all()
    assert not form[:16].any()
    assert not form[48:].any()


def test_it_is_resized_as_pillow_does_once_and_each_channel_for_itself() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (90, 45, 3), dtype=np.uint8)
    expected = Image.fromarray(picture).resize((32, 64), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(letterboxed(picture, 64, 64)[:, 16:48], np.asarray(expected))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (30, 60), (61, 33), (300, 451), (1, 2000), (2000, 1), (1, 1)])
def test_the_window_leads_back_to_the_picture(height: int, width: int) -> None:
    """The picture's corners lie where its pixels do in the form."""
    form = letterboxed(np.full((height, width, 3), 255, np.uint8), 64, 64)
    window = letterbox_window(np.zeros((height, width, 3), np.uint8), 64, 64)
    rows, columns = (np.flatnonzero(form[..., 0].any(axis=axis)) for axis in (1, 0))
    for first, last, start, extent, size in (
        (rows[0], rows[-1], window.top, window.height, height),
        (columns[0], columns[-1], window.left, window.width, width),
    ):
        assert start + first / 64 * extent == pytest.approx(0, abs=1e-9)
        assert start + (last + 1) / 64 * extent == pytest.approx(size)
