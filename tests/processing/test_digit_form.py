"""Digits to MNIST's form."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from processing.digit_form import digit_form, digit_window
from processing.errors import UnusableInputError


def seven(side: int, ink: int, background: int, *, at: tuple[float, float] = (0.3, 0.2), size: float = 0.5) -> Any:
    canvas = Image.new("L", (side, side), background)
    place = (round(side * at[0]), round(side * at[1]))
    ImageDraw.Draw(canvas).text(place, "7", fill=ink, font_size=round(side * size))
    return np.asarray(canvas)


def likeness(one: Any, other: Any) -> float:
    """Correlation of two forms."""
    return float(np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1])


def test_the_form_is_mnists() -> None:
    form = digit_form(seven(200, 0, 255))
    assert form.shape == (28, 28, 1)
    assert form.dtype == np.uint8
    rows, columns = np.nonzero(form[..., 0] > 60)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20, 21)
    weights = form[..., 0] / form.sum()
    centre = [(weights.sum(axis=axis) * np.arange(28)).sum() for axis in (0, 1)]
    np.testing.assert_allclose(centre, 14, atol=0.6)
    assert form[0].max() == form[:, 0].max() == 0
    assert form.max() == 255


@pytest.mark.parametrize(
    "variant",
    [
        lambda: seven(200, 255, 0),
        lambda: seven(200, 20, 150),
        lambda: seven(200, 150, 90),
        lambda: seven(200, 0, 255, at=(0.05, 0.05)),
        lambda: seven(200, 0, 255, at=(0.6, 0.4)),
        lambda: seven(800, 0, 255),
        lambda: seven(200, 0, 255, size=0.8),
        lambda: np.repeat(seven(200, 0, 255)[..., np.newaxis], 3, axis=2),
    ],
)
def test_polarity_place_and_size_do_not_matter(variant: Callable[[], Any]) -> None:
    assert likeness(digit_form(variant()), digit_form(seven(200, 0, 255))) > 0.85


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (28, 28), (3000, 40)])
def test_a_blank_picture_is_unusable_in_any_size(shape: tuple[int, int]) -> None:
    for level in (0, 128, 255):
        with pytest.raises(UnusableInputError, match="blank"):
            digit_form(np.full(shape, level, dtype=np.uint8))


@pytest.mark.parametrize("shape", [(2, 2), (28, 28), (9, 400), (400, 9)])
def test_the_smallest_mark_has_a_form(shape: tuple[int, int]) -> None:
    picture = np.zeros(shape, dtype=np.uint8)
    picture[shape[0] // 2, shape[1] // 2] = 255
    assert digit_form(picture).max() == 255


def test_noise_has_a_form_too() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        height, width = generator.integers(1, 64, 2)
        picture = generator.integers(0, 256, (height, width), dtype=np.uint8)
        try:
            assert digit_form(picture).shape == (28, 28, 1)
        except UnusableInputError:
            assert min(height, width) < 3


def test_mnists_own_digits_stay_as_they_are() -> None:
    form = digit_form(seven(200, 0, 255))
    again = digit_form(form[..., 0])
    assert likeness(form, again) > 0.95


@pytest.mark.parametrize(("width", "height"), [(400, 300), (90, 70), (1200, 500)])
@pytest.mark.parametrize("stroke", [2, 5])
def test_the_window_is_where_the_form_of_a_digit_was_taken_from(width: int, height: int, stroke: int) -> None:
    """The picture cut out there and reduced shows the ink where the form has it."""
    canvas = Image.new("L", (width, height), 255)
    left, top = width // 2, height // 3
    points = [(left, top), (left + height // 3, top), (left + height // 8, top + height // 2)]
    ImageDraw.Draw(canvas).line(points, fill=0, width=stroke)
    picture = np.asarray(canvas)
    form, window = digit_form(picture)[..., 0], digit_window(picture)
    left, top = round(window.left), round(window.top)
    box = (left, top, round(left + window.width), round(top + window.height))
    ink = Image.fromarray(255 - picture).crop(box).resize((28, 28), Image.Resampling.BOX)
    seen = np.asarray(ink, float)
    for axis in (0, 1):
        places = np.arange(28)
        centres = [(values.sum(axis=1 - axis) @ places) / values.sum() for values in (form.astype(float), seen)]
        assert centres[0] == pytest.approx(centres[1], abs=0.6)
    assert form[seen > 0.5 * seen.max()].min() > 60
