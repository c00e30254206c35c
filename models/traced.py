"""Keras models as functions of TensorFlow, traced once for inputs of any length.

Called as Keras calls it, a deep model spends most of its time in Python; `predict` traces it for each length anew.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

Traced = Callable[[NDArray[Any]], NDArray[Any]]


def traced(model: "keras.Model", compute: Callable[[Any], Any] | None = None) -> Traced:
    """`compute`, by default the model itself, as a function of a batch of the model's one input."""
    import tensorflow as tf

    (given,) = model.inputs
    called = tf.function(
        compute or (lambda batch: model(batch, training=False)),
        input_signature=[tf.TensorSpec(given.shape, given.dtype)],
        autograph=False,
    )
    return lambda batch: np.asarray(called(tf.constant(batch)))
