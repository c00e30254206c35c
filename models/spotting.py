"""A small network on the speech embedding that tells what is heard, wherever in a recording it is.

Imports Keras at the top, as a module of layers must; only `build` functions import it.
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from models.speech_embedding import STEP, WIDTH, samples_of, speech_embedding

VECTORS = 9  # that are looked at together
WINDOW = samples_of(VECTORS)  # samples, 1.42 s

_EDGE = 5 * STEP  # samples of silence before and behind a recording, or a word at its end would be cut in every window
_CHANNELS = 192
_BESIDE = 4  # windows, or 0.32 s, before and after one: in most of them a word that is whole in that one is, too
_LOUD = 16.0  # how far the numbers of the embedding lie from zero


def spotter(labels: int, background: Sequence[int], dropout: float, name: str) -> "keras.Model":
    """float32 `[batch, samples]` at 16 kHz, zeros behind shorter recordings, to logits `[batch, labels]`.

    The answer is of that window, one every 80 ms, in which the labels of `background`, which say that there is nothing,
    are least probable, and of its neighbours: their mean; where there are no such labels, the mean of all.
    """
    samples = keras.Input((None,), name="samples")
    vectors = speech_embedding(Edged(name="edged")(samples))
    logits = head(labels, dropout)(vectors)
    return keras.Model(samples, Clearest(background, name="clearest")([samples, logits]), name=name)


def head(labels: int, dropout: float) -> "keras.Model":
    """`[batch, vectors, 96]` to logits `[batch, windows, labels]`."""
    vectors = keras.Input((None, WIDTH), name="vectors")
    x = layers.Rescaling(1 / _LOUD, name="quieter")(vectors)
    x = layers.Conv1D(_CHANNELS, 1, activation="relu", name="heard")(x)
    x = layers.MaxPooling1D(VECTORS, 1, name="anywhere")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(vectors, layers.Dense(labels, name="logits")(x), name="head")


class Edged(layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Silence before and behind, and so much more behind that there is a window at least."""

    def call(self, samples: Any) -> Any:
        behind = tf.maximum(_EDGE, WINDOW - _EDGE - tf.shape(samples)[1])
        return tf.pad(samples, [[0, 0], [_EDGE, behind]])


class Clearest(layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Samples and the logits of windows to the mean of some or all of them, see `spotter`.

    A recording ends with its last sample that is not zero: whatever stands behind it in a batch changes no answer.
    """

    def __init__(self, background: Sequence[int], **options: Any) -> None:
        super().__init__(**options)
        self._background = list(background)

    def call(self, given: Any) -> Any:
        samples, logits = given
        places = tf.range(1, tf.shape(samples)[1] + 1)[tf.newaxis]
        lengths = tf.reduce_max(tf.where(samples != 0, places, 0), axis=1, keepdims=True)
        windows = tf.range(tf.shape(logits)[1])[tf.newaxis]
        chosen = (windows * STEP + WINDOW <= lengths + 2 * _EDGE) | (windows == 0)
        if self._background:
            nothing = tf.reduce_sum(tf.gather(tf.nn.softmax(logits), self._background, axis=2), axis=2)
            clearest = tf.argmin(tf.where(chosen, nothing, 2.0), axis=1, output_type=tf.int32)
            chosen &= tf.abs(windows - clearest[:, tf.newaxis]) <= _BESIDE
        share = tf.cast(chosen, logits.dtype)
        return tf.einsum("bw,bwl->bl", share / tf.reduce_sum(share, axis=1, keepdims=True), logits)
