"""The logarithm of a mel spectrogram as Whisper was trained with it, inside the graph.

Imports Keras at the top, as a module of layers must; only `build` functions import it.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.one_window import one_window
from models.whisper import SAMPLE_RATE, WINDOW_S

_FRAME, _STEP = 400, 160
_SAMPLES = WINDOW_S * SAMPLE_RATE
_LEAST = 1e-10  # power; less counts as this
_RANGE = 8.0  # powers of ten below the loudest of a recording; less counts as this

_LINEAR_HZ = 200 / 3  # of a mel, up to the first kilohertz (M. Slaney, Auditory Toolbox, 1998)
_LINEAR_MELS = 15.0
_LOG_STEP = np.log(6.4) / 27  # of a mel, above


class LogMel(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """float32 `[batch, samples]` at 16 kHz to `[batch, 3000, mels]`, see `one_window`.

    Behind what is shorter than 30 s is silence.
    """

    def __init__(self, mels: int, **options: Any) -> None:
        super().__init__(**options)
        self._filters = mel_filters(mels)

    def call(self, samples: Any) -> Any:
        samples = one_window(samples, WINDOW_S, SAMPLE_RATE)
        whole = tf.pad(samples, [[0, 0], [0, _SAMPLES - tf.shape(samples)[1]]])
        padded = tf.pad(tf.ensure_shape(whole, [None, _SAMPLES]), [[0, 0], [_FRAME // 2, _FRAME // 2]], "REFLECT")
        spectrum = tf.signal.stft(padded, _FRAME, _STEP, _FRAME)[:, :-1]
        power = tf.square(tf.abs(spectrum))
        logarithm = tf.math.log(tf.maximum(tf.matmul(power, self._filters), _LEAST)) / np.log(10.0)
        loudest = tf.reduce_max(logarithm, axis=[1, 2], keepdims=True)
        return (tf.maximum(logarithm, loudest - _RANGE) + 4.0) / 4.0


def mel_filters(mels: int) -> NDArray[np.float32]:
    """Triangles `[frequencies, mels]` that overlap by half, of equal areas (Slaney)."""
    edges = _hertz(np.linspace(0.0, _mel(SAMPLE_RATE / 2), mels + 2))
    frequencies = np.linspace(0.0, SAMPLE_RATE / 2, _FRAME // 2 + 1)[:, np.newaxis]
    rising = (frequencies - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - frequencies) / np.diff(edges)[1:]
    area = 2.0 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * area, np.float32)


def _mel(hertz: float) -> float:
    linear = hertz / _LINEAR_HZ
    return linear if linear < _LINEAR_MELS else _LINEAR_MELS + float(np.log(linear / _LINEAR_MELS)) / _LOG_STEP


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _LINEAR_MELS * np.exp(_LOG_STEP * (mel - _LINEAR_MELS))
    return np.asarray(_LINEAR_HZ * np.where(mel < _LINEAR_MELS, mel, above))
