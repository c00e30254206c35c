"""Layers that are made for training multiply in what was asked, keep float32 weights, and later ones are as ever."""

from typing import Literal

import pytest

from training.precision import multiplying_in


@pytest.mark.parametrize(("precision", "computes"), [("float32", "float32"), ("bfloat16", "bfloat16")])
def test_layers_multiply_in_what_was_asked(precision: Literal["float32", "bfloat16"], computes: str) -> None:
    from keras import layers

    with multiplying_in(precision):
        layer = layers.Dense(2)
    layer.build((None, 3))
    assert layer.compute_dtype == computes
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    assert layers.Dense(2).compute_dtype == "float32"


def test_the_fastest_is_one_of_them() -> None:
    from keras import layers

    with multiplying_in("fastest"):
        assert layers.Dense(2).compute_dtype in {"float32", "bfloat16"}
