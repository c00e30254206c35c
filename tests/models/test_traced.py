"""A model that is called again and again with inputs of other lengths."""

from typing import Any

import numpy as np

from models.traced import traced


def _model(seen: list[Any]) -> Any:
    import keras

    class Sum(keras.layers.Layer):  # type: ignore[misc]  # its package has no types
        def call(self, inputs: Any) -> Any:
            seen.append(inputs.shape)
            return keras.ops.sum(inputs, axis=1)

        def compute_output_shape(self, shape: Any) -> Any:
            return shape[:1]

    given = keras.Input((None,), name="numbers")
    return keras.Model(given, Sum()(given))


def test_it_is_traced_once_whatever_the_lengths() -> None:
    seen: list[Any] = []
    model = _model(seen)
    built = len(seen)
    run = traced(model)
    for length in (1, 2, 5):
        np.testing.assert_array_equal(run(np.ones((2, length), np.float32)), [length, length])
    assert len(seen) == built + 1


def test_another_computation_of_the_same_input() -> None:
    run = traced(_model([]), lambda numbers: numbers + 1)
    np.testing.assert_array_equal(run(np.zeros((1, 3), np.float32)), [[1, 1, 1]])
