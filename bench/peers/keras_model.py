"""The Keras model that a peer serves, in the two ways that peers call one."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.peers.labels import LabelWriter
from bench.peers.rows import RowReader


class KerasModel:
    """Both calls take and return arrays, a batch each, and may be made from many threads."""

    def __init__(self, folder: Path) -> None:
        """`folder` is one that `bench.making` made."""
        import keras
        import keras_hub  # noqa: F401 (registers the layers of the BERT)
        import tensorflow as tf

        from models.valence import PairLogits, PooledWords, ShiftedWords

        ours = {layer.__name__: layer for layer in (PairLogits, PooledWords, ShiftedWords)}
        self._model = keras.saving.load_model(folder / "model.keras", custom_objects=ours, compile=False)
        (tensor,) = self._model.inputs
        spec = tf.TensorSpec(tensor.shape, tensor.dtype)
        self._traced = tf.function(lambda batch: self._model(batch, training=False), input_signature=[spec])
        self.read = RowReader(folder, tensor.dtype, tensor.shape[1:])
        self._labels = LabelWriter(folder) if (folder / "labels.json").exists() else None
        self.traced(np.zeros([side or 1 for side in tensor.shape], tensor.dtype))  # traced before requests come

    def traced(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """A traced function: the fast way."""
        return np.asarray(self._traced(batch))

    def predict(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """`Model.predict`: the way most tutorials show."""
        return np.asarray(self._model.predict(batch, verbose=0))

    def write(self, logits: NDArray[np.float32], body: bytes) -> bytes:
        """The answer to a request: a tensor's is a tensor, of a picture or a text labels with scores.

        Args:
            logits: of its one row, `[labels]` or `[1, labels]`.
        """
        if self._labels is None or self.read.is_tensor(body):
            return logits.tobytes()
        return self._labels(logits.reshape(-1))
