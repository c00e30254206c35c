"""The graph brings garments to Fashion-MNIST's form as the gateway does."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import export.raw.garment_form
from processing.garment_form import garment_form


@pytest.fixture(scope="module")
def form() -> Any:
    import tensorflow as tf

    return tf.function(
        export.raw.garment_form.garment_form,
        input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)],
        autograph=False,
    )


def _bag(size: tuple[int, int], ground: int, cloth: tuple[int, int, int]) -> Any:
    width, height = size
    canvas = Image.new("RGB", size, (ground,) * 3)
    ImageDraw.Draw(canvas).ellipse((width * 0.2, height * 0.3, width * 0.8, height * 0.9), fill=cloth)
    return np.asarray(canvas)


@pytest.mark.parametrize(
    "pictures",
    [
        pytest.param([_bag((side, 90), 255, (200, 30, 30)) for side in (40, 90, 260)], id="on white"),
        pytest.param([_bag((side, 300), 0, (90, 200, 30)) for side in (40, 300, 500)], id="on black"),
        pytest.param([_bag((900, 700), 240, (10, 90, 200))], id="reduced"),
        pytest.param(
            [np.random.default_rng(n).integers(0, 256, (n, 70 - n, 3), dtype=np.uint8) for n in range(5, 60, 5)],
            id="noise",
        ),
        pytest.param([np.random.default_rng(1).integers(0, 256, (28, 28, 3), dtype=np.uint8)], id="in form"),
    ],
)
def test_forms_are_the_gateways(form: Any, pictures: list[Any]) -> None:
    for drawn in pictures:
        np.testing.assert_array_equal(form(drawn).numpy(), garment_form(drawn))


def test_a_blank_picture_is_refused(form: Any) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match=r"the picture is blank .* expected a garment"):
        form(np.full((20, 30, 3), 200, np.uint8))
