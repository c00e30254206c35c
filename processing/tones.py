"""Where in a recording there is nothing but tones: beeps, dial tones, chords of few pure notes.

Tones have all their power in few narrow lines of the spectrum, and keep these longer than a voice keeps its pitch and
its vowel.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from processing.runs import runs

_FRAMES = 8  # are looked at together
_MOVES = 6  # by a frame, in which tones stay: with frames of 30 ms they last 0.4 s
_BESIDE = 3  # frames in which a tone begins or ends
_LINES, _WIDTH_HZ = 4, 20.0  # on each side of a line
_REST = 1e-3  # of the power may be beside the lines; voices have more, see decision 37
_LOWEST_HZ = 80.0  # what is below is no voice's, and may be much louder than one: rumble, a hum
_TAPER = (0.35875, 0.48829, 0.14128, 0.01168)  # by F. J. Harris: what a line has far from itself is 92 dB less
_AT_ONCE = 512


def tonal(frames: NDArray[np.float32], rate: int, loud: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows of `[frames, samples]`, one behind the other, have nothing but tones. Only those that are `loud` are
    looked at."""
    found = np.zeros(len(frames), bool)
    if len(frames) < _FRAMES:
        return found
    (asked,) = np.nonzero(np.lib.stride_tricks.sliding_window_view(loud, _FRAMES).all(axis=1))
    pure = np.zeros(len(frames), bool)
    for begin, end in pairwise([*range(0, len(asked), _AT_ONCE), len(asked)]):
        places = asked[begin:end]
        heard = frames[places[:, np.newaxis] + np.arange(_FRAMES)].reshape(len(places), -1)
        pure[places] = _are_lines(heard, rate)
    for begin, end in runs(pure):
        if end - begin >= _MOVES:
            found[max(0, begin - _BESIDE) : end - 1 + _FRAMES + _BESIDE] = True
    return found


def _are_lines(heard: NDArray[np.float32], rate: int) -> NDArray[np.bool_]:
    """Of which rows all power is in few lines."""
    length = heard.shape[1]
    angle = 2 * np.pi * np.arange(length) / length
    taper = sum((-1) ** order * part * np.cos(order * angle) for order, part in enumerate(_TAPER))
    power = np.abs(np.fft.rfft((heard - heard.mean(axis=1, keepdims=True)) * taper)) ** 2
    power[:, : round(_LOWEST_HZ * length / rate)] = 0.0
    whole, width = power.sum(axis=1), round(_WIDTH_HZ * length / rate)
    near = np.arange(-width, width + 1)
    for _ in range(_LINES):
        places = np.clip(power.argmax(axis=1)[:, np.newaxis] + near, 0, power.shape[1] - 1)
        np.put_along_axis(power, places, 0.0, axis=1)
    return np.asarray(power.sum(axis=1) < _REST * whole)
