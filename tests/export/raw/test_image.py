"""The graph brings digits to MNIST's form as the gateway does."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from export.errors import NotInGraphError
from export.raw.image import FORMS, ImageGraph
from processing import image
from processing.image import digit_form
from processing.spec import ImageSpec
from tests.support.small_models import picture

SPEC = ImageSpec(form="digit", height=28, width=28, channels=1)


@pytest.fixture(scope="module")
def form() -> Any:
    import tensorflow as tf

    return tf.function(FORMS["digit"], input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)], autograph=False)


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


def test_a_batch_holds_pictures_of_different_sizes_and_kinds() -> None:
    import tensorflow as tf

    bodies = [
        picture(3, side=40),
        picture(4, side=300, encoding="JPEG", quality=90),
        picture(5, encoding="GIF"),
        picture(6, side=97, encoding="BMP"),
    ]
    forms = ImageGraph(SPEC)(tf.constant(bodies)).numpy()
    expected = [digit_form(image.decode(body, max_pixels=10**6)) for body in bodies]
    assert forms.dtype == np.uint8
    np.testing.assert_allclose(forms.astype(int), np.stack(expected).astype(int), atol=2)
    assert ImageGraph(SPEC)(tf.constant([], tf.string)).shape == (0, 28, 28, 1)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_is_refused(form: Any, level: int) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"the picture is blank \(contrast 0 of 255\)"):
        form(np.full((20, 30, 3), level, np.uint8))


def test_every_form_of_the_gateway_has_its_twin() -> None:
    assert FORMS.keys() == image.FORMS.keys()
    with pytest.raises(NotInGraphError, match="the form 'other' has no twin"):
        ImageGraph(SPEC.model_copy(update={"form": "other"}))
