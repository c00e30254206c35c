"""Google's speech embedding and the mel spectrogram before it, as openWakeWord has them: a vector for every 80 ms, each
of 0.78 s (J. Lin et al., "Training Keyword Spotters with Limited and Synthesized Speech Data", 2020).

Imports Keras at the top, as a module of layers must; only `build` functions import it.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from numpy.typing import NDArray

from models.weights import Place, fill

SAMPLE_RATE = 16_000
WIDTH = 96  # numbers of a vector
MELS = 32
STEP = 1280  # samples from one vector to the next

_FRAME, _HOP = 512, 160
_FRAMES = 76  # of the spectrogram that a vector is made of
_FULL = 2.0**15  # of the numbers with 16 bits that it was trained with
_LEAST = 1e-10  # power; less counts as this
_RANGE = 80.0  # decibels below the loudest of a recording; less counts as this
_EPSILON = 1e-3  # of the normalisation
_FLOOR = -0.4  # less counts as this, after every convolution
_BLOCKS = ((24, (2, 2)), (48, (1, 2)), (72, (2, 2)), (96, (1, 2)), (96, (2, 2)))  # channels, and the pool behind
_MEL = ("0.stft.conv_real.weight", "0.stft.conv_imag.weight", "1.melW")
_FIRST = "model/conv2d/StatefulPartitionedCall/StatefulPartitionedCall/Conv2D/ReadVariableOp:0"
_NORM = {
    "gamma": "model/batch_normalization/ReadVariableOp:0",
    "beta": "model/batch_normalization/ReadVariableOp_1:0",
    "moving_mean": "model/batch_normalization/FusedBatchNormV3/ReadVariableOp:0",
    "moving_variance": "model/batch_normalization/FusedBatchNormV3/ReadVariableOp_1:0",
}
_LAST = "model/conv2d_19/Conv2D/ReadVariableOp:0"

Weights = Mapping[str, NDArray[Any]]


def samples_of(vectors: int) -> int:
    """How long a recording is of which so many vectors are made."""
    return (_FRAMES - 1) * _HOP + _FRAME + (vectors - 1) * STEP


class MelSpectrogram(layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """float32 `[batch, samples]` at 16 kHz to `[batch, frames, 32, 1]`: a frame for every 10 ms, in tens of decibels
    above 10⁻²⁰ of a number with 16 bits."""

    def build(self, _shape: Any) -> None:
        bins = _FRAME // 2 + 1
        self.real, self.imaginary = (
            self.add_weight(shape=(_FRAME, 1, bins), trainable=False, name=name) for name in ("real", "imaginary")
        )
        self.filters = self.add_weight(shape=(bins, MELS), trainable=False, name="filters")

    def call(self, samples: Any) -> Any:
        waves = tf.expand_dims(samples * _FULL, -1)
        power = tf.add_n(
            [
                tf.square(tf.nn.conv1d(waves, kernel, _HOP, "VALID"))
                for kernel in (self.real.value, self.imaginary.value)
            ]
        )
        decibels = 10 / np.log(10) * tf.math.log(tf.maximum(tf.matmul(power, self.filters.value), _LEAST))
        loudest = tf.reduce_max(decibels, axis=[1, 2], keepdims=True)
        return tf.expand_dims(tf.maximum(decibels, loudest - _RANGE) / 10 + 2, -1)


def speech_embedding(samples: "keras.KerasTensor") -> "keras.KerasTensor":
    """`[batch, samples]` to `[batch, vectors, 96]`. Its layers are named, for `fill_speech_embedding`."""
    x = MelSpectrogram(name="mel")(samples)
    x = layers.ZeroPadding2D((0, 1), name="edges")(x)
    x = layers.Conv2D(_BLOCKS[0][0], 3, use_bias=False, activation="relu", name="convolution_0")(x)
    x = _bent(layers.BatchNormalization(epsilon=_EPSILON, name="norm")(x), 0)
    number = 1
    for block, (channels, pool) in enumerate(_BLOCKS):
        for _ in range(1 if block == 0 else 2):
            x = layers.ZeroPadding2D((0, 1), name=f"edges_{number}")(x)
            x = _bent(layers.Conv2D(channels, (1, 3), name=f"convolution_{number}")(x), number)
            x = _bent(layers.Conv2D(channels, (3, 1), name=f"convolution_{number + 1}")(x), number + 1)
            number += 2
        x = layers.MaxPooling2D(pool, name=f"pool_{block}")(x)
    x = layers.Conv2D(WIDTH, (3, 1), use_bias=False, name=f"convolution_{number}")(x)
    return layers.Reshape((-1, WIDTH), name="vectors")(x)


def fill_speech_embedding(model: "keras.Model", spectrogram: Weights, embedding: Weights) -> None:
    """Puts the weights of openWakeWord's two files into a model with these layers. Raises `UnfitWeightsError`."""
    mel, norm = model.get_layer("mel"), model.get_layer("norm")
    real, imaginary, filters = _MEL
    fill(
        {
            real: Place(mel.real, kernel=True),
            imaginary: Place(mel.imaginary, kernel=True),
            filters: Place(mel.filters),
        },
        spectrogram,
        unused=["onnx::Clip"],
    )
    places = {_FIRST: Place(model.get_layer("convolution_0").kernel, kernel=True)}
    places |= {theirs: Place(getattr(norm, ours)) for ours, theirs in _NORM.items()}
    for number in range(1, 19):
        layer, theirs = model.get_layer(f"convolution_{number}"), f"model/conv2d_{number}/Conv2D"
        places[f"{theirs}_weights_fused_bn"] = Place(layer.kernel, kernel=True)
        places[f"{theirs}_bias_fused_bn"] = Place(layer.bias)
    places[_LAST] = Place(model.get_layer("convolution_19").kernel, kernel=True)
    fill(places, embedding, unused=["pad_const", "new_shape", "const_fold"])


def _bent(x: Any, number: int) -> Any:
    bent = layers.LeakyReLU(negative_slope=0.2, name=f"bend_{number}")(x)
    return ops.maximum(bent, _FLOOR)
