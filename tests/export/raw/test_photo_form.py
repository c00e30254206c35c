"""The graph brings photographs to the size of a model's input as the gateway does."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest

from export.raw.photo_form import photo_form
from processing.forms import form_of
from processing.spec import ImageSpec, Resize

InGraph = Callable[[Any], Any]


def _spec(
    crop: float,
    interpolation: Literal["bilinear", "bicubic"],
    height: int = 64,
    width: int = 48,
    *,
    fit: Literal["crop", "stretch", "shorter"] = "crop",
) -> ImageSpec:
    resize = Resize(crop=crop, interpolation=interpolation, fit=fit)
    return ImageSpec(form="photo", height=height, width=width, channels=3, resize=resize)


SPECS = [
    _spec(0.875, "bicubic", 96, 96),
    _spec(1, "bilinear"),
    _spec(0.9, "bilinear", fit="stretch"),
    _spec(0.875, "bicubic", 56, 56, fit="shorter"),
]


@pytest.fixture(scope="module", params=SPECS, ids=["bicubic", "bilinear", "stretch", "shorter"])
def both(request: pytest.FixtureRequest) -> tuple[InGraph, InGraph]:
    """The graph, and the gateway."""
    import tensorflow as tf

    given = [tf.TensorSpec([None, None, 3], tf.uint8)]
    in_graph = tf.function(partial(photo_form, spec=request.param), input_signature=given, autograph=False)
    return lambda picture: in_graph(picture).numpy(), form_of(request.param).tensor


def _slopes(height: int, width: int) -> Any:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x * y) % 256], axis=2).astype(np.uint8)


def _noise(height: int, width: int) -> Any:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("drawn", [_slopes, _noise])
@pytest.mark.parametrize(
    ("height", "width"),
    [(300, 451), (451, 300), (64, 48), (40, 30), (97, 101), (600, 90), (1, 1), (1, 2000), (2000, 1), (3, 2)],
)
def test_forms_are_the_gateways(
    both: tuple[InGraph, InGraph], drawn: Callable[[int, int], Any], height: int, width: int
) -> None:
    in_graph, in_gateway = both
    received, expected = in_graph(drawn(height, width)), in_gateway(drawn(height, width))
    assert received.dtype == np.uint8
    assert received.shape == expected.shape
    apart = np.abs(received.astype(int) - expected)
    assert apart.max() <= 1
    assert apart.mean() < 0.01  # where scales are simple, many sums lie in the middle between two levels


def test_edges_are_neither_brighter_than_white_nor_darker_than_black(both: tuple[InGraph, InGraph]) -> None:
    """Bicubic weights are in part negative: beside an edge sums are beyond 0…255."""
    in_graph, in_gateway = both
    edges = np.zeros((400, 400, 3), np.uint8)
    edges[:, ::40] = edges[150:] = 255
    np.testing.assert_allclose(in_graph(edges).astype(int), in_gateway(edges), atol=1)
