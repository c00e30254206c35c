"""Disturbances of recordings: what rooms, lines and microphones do to them."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from training.disturbance import Disturbance

Sound = NDArray[np.float32]

_DECIBELS = (30, 20, 10, 0)
_TOLD = 10


def noisy(sound: Sound, decibels: float, rng: np.random.Generator) -> Sound:
    """White noise, by so much quieter than the recording (SNR)."""
    power = float(np.mean(np.square(sound, dtype=np.float64))) / 10 ** (decibels / 10)
    return (sound + rng.normal(0.0, np.sqrt(power), len(sound))).astype(np.float32)


def quieter(sound: Sound, decibels: float) -> Sound:
    return np.asarray(sound * 10 ** (-decibels / 20), np.float32)


def clipped(sound: Sound, times: float) -> Sound:
    """So many times as loud as there is room for."""
    loudest = float(np.abs(sound).max()) or 1.0
    return np.asarray(np.clip(sound * (times / loudest), -1.0, 1.0), np.float32)


def narrow(sound: Sound) -> Sound:
    """Without what is above 4 kHz, as on a telephone; of 16 kHz."""
    return np.asarray(resample_poly(resample_poly(sound, 1, 2), 2, 1)[: len(sound)], np.float32)


SOUND_DISTURBANCES: tuple[Disturbance[Sound], ...] = (
    *(
        Disturbance(
            "noise",
            f"{decibels} dB",
            f"white noise, {decibels} dB below the voice",
            lambda sound, rng, decibels=decibels: noisy(sound, decibels, rng),  # type: ignore[misc]
            told=decibels == _TOLD,
        )
        for decibels in _DECIBELS
    ),
    Disturbance("quiet", "40 dB", "a hundredth as loud", lambda sound, _: quieter(sound, 40)),
    Disturbance("clipping", "4 times", "four times as loud as there is room for", lambda sound, _: clipped(sound, 4)),
    Disturbance("telephone", "4 kHz", "nothing above 4 kHz", lambda sound, _: narrow(sound)),
    Disturbance("pressure", "0.2", "0.2 of full scale added to all", lambda sound, _: (sound + 0.2).astype(np.float32)),
)
