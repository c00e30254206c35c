"""The graph brings digits to MNIST's form as the gateway does."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import export.raw.digit_form
from processing.digit_form import digit_form


@pytest.fixture(scope="module")
def form() -> Any:
    import tensorflow as tf

    return tf.function(
        export.raw.digit_form.digit_form, input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)], autograph=False
    )


def _drawn(digit: int, size: tuple[int, int], *, ink: Any = 0, paper: Any = 255) -> Any:
    canvas = Image.new("RGB", size, paper if isinstance(paper, tuple) else (paper,) * 3)
    place = (round(size[0] * 0.3), round(size[1] * 0.2))
    colour = ink if isinstance(ink, tuple) else (ink,) * 3
    ImageDraw.Draw(canvas).text(place, str(digit), fill=colour, font_size=round(min(size) * 0.6))
    return np.asarray(canvas)


def _ring(side: int, radius: int) -> Any:
    """Symmetrical: its centre of mass lies between two pixels, or on one."""
    canvas = Image.new("RGB", (side, side), "white")
    middle = side // 2
    corners = (middle - radius, middle - radius, middle + radius, middle + radius)
    ImageDraw.Draw(canvas).ellipse(corners, outline="black", width=4)
    return np.asarray(canvas)


@pytest.mark.parametrize(
    "pictures",
    [
        pytest.param([_drawn(digit, (64, 64)) for digit in range(10)], id="small"),
        pytest.param([_drawn(digit, (700, 500), ink=230, paper=60) for digit in range(10)], id="bright on dark"),
        pytest.param([_drawn(digit, (90, 400)) for digit in range(10)], id="tall"),
        pytest.param([_drawn(7, (80, 80), ink=(250, 10, 10), paper=(0, 0, 90))], id="coloured"),
        pytest.param([_ring(90, radius) for radius in range(8, 40, 3)], id="symmetrical"),
        pytest.param(
            [np.random.default_rng(n).integers(0, 256, (n, 70 - n, 3), dtype=np.uint8) for n in range(5, 60, 5)],
            id="noise",
        ),
    ],
)
def test_forms_are_the_gateways(form: Any, pictures: list[Any]) -> None:
    for drawn in pictures:
        np.testing.assert_array_equal(form(drawn).numpy(), digit_form(drawn))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_is_refused(form: Any, level: int) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"the picture is blank \(contrast 0 of 255\)"):
        form(np.full((20, 30, 3), level, np.uint8))
