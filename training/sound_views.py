"""Ways in which a word may reach a microphone: when, how loud, how fast, in which room, beside which noise."""

import numpy as np
import soxr
from scipy.signal import fftconvolve

from training.disturbed_sounds import Sound

SAMPLE_RATE = 16_000

_RATES = (0.8, 1.3)  # of speed and pitch together
_PEAKS = (0.03, 0.95)
_SNRS = (3.0, 40.0)  # decibels
_NOISY, _ROOMY, _CUT = 0.8, 0.4, 0.3  # shares of all views
_BANDS_HZ = (60, 150, 350, 800, 1_800, 3_500, 8_000)
_COLOUR_DB = 6.0
_REVERBERATION_S = (0.1, 0.6)  # until an echo is 60 dB quieter
_DIRECT = (0.5, 4.0)  # how much louder the direct sound is than all echoes


def view(sound: Sound, length: int, rng: np.random.Generator) -> Sound:
    """`[length]`: all of the sound, somewhere in it; of one that is longer, a part.

    Some are cut off right before and behind the sound, as recordings are by buttons and by programs.
    """
    heard = _coloured(_faster(sound, _between(_RATES, rng)), rng)
    if rng.random() < _ROOMY:
        heard = _in_a_room(heard, rng)
    begin = int(rng.integers(0, abs(length - len(heard)) + 1))
    if len(heard) >= length:
        placed, first, last = heard[begin : begin + length], 0, length
    else:
        placed, first, last = np.zeros(length, np.float32), begin, begin + len(heard)
        placed[first:last] = heard
    placed = placed * (_between(_PEAKS, rng) / max(float(np.abs(placed).max()), 1e-6))
    if rng.random() < _NOISY:
        power = float(np.mean(np.square(placed[first:last], dtype=np.float64)))
        placed = placed + noise(length, rng) * np.sqrt(power / 10 ** (rng.uniform(*_SNRS) / 10))
    if rng.random() < _CUT:
        margin = int(rng.uniform(0.0, 0.15) * SAMPLE_RATE)
        placed[: max(0, first - margin)] = 0.0
        placed[last + margin :] = 0.0
    return np.asarray(np.clip(placed, -1.0, 1.0), np.float32)


def nothing(length: int, rng: np.random.Generator) -> Sound:
    """Silence as microphones hear it: none at all, or noise, perhaps with a click."""
    if rng.random() < 0.1:
        return np.zeros(length, np.float32)
    heard = noise(length, rng) * 10 ** (rng.uniform(-90, -20) / 20)
    if rng.random() < 0.3:
        at, width = int(rng.integers(0, length - 400)), int(rng.integers(8, 400))
        heard[at : at + width] += rng.normal(0, rng.uniform(0.01, 0.3)) * np.exp(-np.arange(width) / (width / 4))
    return np.asarray(np.clip(heard, -1.0, 1.0), np.float32)


def noise(length: int, rng: np.random.Generator) -> Sound:
    """Of power 1, from white over pink to brown; some of it hums."""
    spectrum = np.fft.rfft(rng.normal(size=length))
    slope = rng.uniform(0.0, 1.0)
    spectrum *= np.maximum(np.arange(len(spectrum)), 8.0) ** -slope
    wave = np.fft.irfft(spectrum, length)
    wave /= wave.std()
    if rng.random() < 0.15:
        times = np.arange(length) / SAMPLE_RATE
        wave = wave + rng.uniform(0.2, 1.5) * np.sin(2 * np.pi * rng.uniform(50, 400) * times)
    return np.asarray(wave / wave.std(), np.float32)


def _faster(sound: Sound, times: float) -> Sound:
    return np.asarray(soxr.resample(sound, SAMPLE_RATE * times, SAMPLE_RATE), np.float32)


def _coloured(sound: Sound, rng: np.random.Generator) -> Sound:
    """As another microphone hears it, or another throat says it: some pitches louder, others quieter."""
    spectrum = np.fft.rfft(sound)
    hertz = np.maximum(np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE), _BANDS_HZ[0])
    decibels = np.interp(np.log(hertz), np.log(_BANDS_HZ), rng.normal(0.0, _COLOUR_DB, len(_BANDS_HZ)))
    return np.asarray(np.fft.irfft(spectrum * 10 ** (decibels / 20), len(sound)), np.float32)


def _in_a_room(sound: Sound, rng: np.random.Generator) -> Sound:
    """With echoes that are noise and fade away."""
    seconds = _between(_REVERBERATION_S, rng)
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    echoes = rng.normal(size=len(times)) * 10 ** (-3 * times / seconds)
    echoes /= np.sqrt(np.square(echoes).sum()) * _between(_DIRECT, rng)
    echoes[0] = 1.0
    return np.asarray(fftconvolve(sound, echoes)[: len(sound) + SAMPLE_RATE // 10], np.float32)


def _between(limits: tuple[float, float], rng: np.random.Generator) -> float:
    """Evenly by its logarithm."""
    return float(np.exp(rng.uniform(*np.log(limits))))
