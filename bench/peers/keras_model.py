"""The Keras model that a peer serves, in the two ways that peers call one."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.peers.rows import RowReader


class KerasModel:
    """Both calls take and return arrays, a batch each, and may be made from many threads."""

    def __init__(self, file: Path) -> None:
        import keras
        import keras_hub  # noqa: F401 (registers the layers of the BERT)
        import tensorflow as tf

        self._model = keras.saving.load_model(file, compile=False)
        (tensor,) = self._model.inputs
        spec = tf.TensorSpec(tensor.shape, tensor.dtype)
        self._traced = tf.function(lambda batch: self._model(batch, training=False), input_signature=[spec])
        self.read = RowReader(tensor.dtype, tensor.shape[1:])
        self.traced(np.zeros((1, *tensor.shape[1:]), tensor.dtype))  # traced before requests come

    def traced(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """A traced function: the fast way."""
        return np.asarray(self._traced(batch))

    def predict(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """`Model.predict`: the way most tutorials show."""
        return np.asarray(self._model.predict(batch, verbose=0))
