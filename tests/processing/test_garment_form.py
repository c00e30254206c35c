"""A garment on a plain ground becomes what Fashion-MNIST has: trimmed, 28 pixels long, centred, bright on black."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from processing.errors import UnusableInputError
from processing.garment_form import FIELD, garment_form, garment_window


def _shirt(
    size: tuple[int, int], *, ground: int = 255, cloth: int = 60, corner: tuple[float, float] = (0.3, 0.2)
) -> Any:
    """Width and height; the cloth is 0.4 of the width and 0.6 of the height, from `corner` (across, down) on."""
    canvas = Image.new("RGB", size, (ground,) * 3)
    left, top = round(corner[0] * size[0]), round(corner[1] * size[1])
    right, bottom = left + round(0.4 * size[0]) - 1, top + round(0.6 * size[1]) - 1
    ImageDraw.Draw(canvas).rectangle((left, top, right, bottom), fill=(cloth,) * 3)
    return np.asarray(canvas)


def test_a_picture_of_the_data_set_stays_as_it_is() -> None:
    picture = np.zeros((FIELD, FIELD), np.uint8)
    picture[3:20, 5:21] = np.random.default_rng(1).integers(0, 256, (17, 16))
    np.testing.assert_array_equal(garment_form(picture)[..., 0], picture)


@pytest.mark.parametrize("side", [60, 280, 1200])
@pytest.mark.parametrize(("ground", "cloth"), [(255, 55), (0, 200), (240, 40), (20, 220)])
def test_it_fills_the_field_as_far_as_its_shape_lets_it(side: int, ground: int, cloth: int) -> None:
    """40 % wide and 60 % high: 19 by 28 pixels, whatever the ground."""
    form = garment_form(_shirt((side, side), ground=ground, cloth=cloth))[..., 0]
    assert form.shape == (28, 28)
    assert (form[2:-2, 7:20] == 200).all()
    assert (form[:, :3] == 0).all()
    assert (form[:, -4:] == 0).all()


def test_what_is_wide_is_put_into_the_middle_of_the_height() -> None:
    form = garment_form(_shirt((300, 100)))[..., 0]  # 120 by 60 pixels: 28 by 14
    inked = np.flatnonzero((form > 100).any(axis=1))
    assert (inked[0], inked[-1]) == (7, 20)


@pytest.mark.parametrize("corner", [(0.0, 0.0), (0.3, 0.2), (0.55, 0.35)])
@pytest.mark.parametrize("size", [(500, 400), (90, 110), (900, 1300)])
def test_the_window_is_where_the_garment_is(size: tuple[int, int], corner: tuple[float, float]) -> None:
    picture = _shirt(size, corner=corner)
    window = garment_window(picture)
    longer = max(0.4 * size[0], 0.6 * size[1])
    tolerance = 0.03 * longer + 2 * max(size) / min(*size, 448)
    assert window.width == pytest.approx(longer, abs=2 * tolerance)
    assert window.left + window.width / 2 == pytest.approx((corner[0] + 0.2) * size[0], abs=tolerance)
    assert window.top + window.height / 2 == pytest.approx((corner[1] + 0.3) * size[1], abs=tolerance)


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("size", [(28, 28), (1, 1), (400, 3)])
def test_a_blank_picture_is_refused(level: int, size: tuple[int, int]) -> None:
    with pytest.raises(UnusableInputError, match=r"the picture is blank .* expected a garment on a plain ground"):
        garment_form(np.full((*size, 3), level, np.uint8))
