"""Beeps, dial tones and chords, which nobody speaks, and voices beside them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.voice import least_db, stretches

RATE = 16_000


def _spoken_from_to(samples: NDArray[np.floating]) -> list[tuple[float, float]]:
    heard = samples.astype(np.float32)
    found = stretches(heard, RATE, least_db(heard, RATE))
    return [(round(stretch.start / RATE, 1), round(stretch.end / RATE, 1)) for stretch in found]


def _tones(seconds: float, *pitches_hz: float, loudness: float = 0.3) -> NDArray[np.floating]:
    at = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(loudness * np.sum([np.sin(2 * np.pi * pitch * at) for pitch in pitches_hz], axis=0))


def _voice(seconds: float, pitch_hz: float) -> NDArray[np.floating]:
    """Monotonous as no engine's: on one pitch a mouth that opens and closes four times a second."""
    at = np.arange(round(seconds * RATE)) / RATE
    mouth_hz = 500 + 250 * np.sin(2 * np.pi * 4 * at)
    overtones = np.arange(1, 20)[:, np.newaxis] * pitch_hz
    loud = 1 / (1 + ((overtones - mouth_hz) / 120) ** 2) + 0.2 / (1 + ((overtones - 3 * mouth_hz) / 200) ** 2)
    return np.asarray(0.1 * np.sum(loud * np.sin(2 * np.pi * overtones * at), axis=0))


QUIET = np.zeros(3 * RATE)


@pytest.mark.parametrize(
    "pitches_hz",
    [(440,), (1000,), (2000,), (262, 330, 392), (262, 330, 392, 523), (697, 1209), (350, 440), (440, 480), (425,)],
)
def test_nobody_speaks_in_a_tone(pitches_hz: tuple[float, ...]) -> None:
    beep = _tones(1, *pitches_hz)
    assert _spoken_from_to(_tones(5, *pitches_hz)) == []
    assert _spoken_from_to(np.concatenate([QUIET, beep, QUIET])) == []
    assert (
        _spoken_from_to(np.concatenate([beep, QUIET[:RATE], beep]) + np.random.default_rng(0).normal(0, 1e-3, 48_000))
        == []
    )


def test_nobody_speaks_in_a_tone_that_fades_or_rises_slowly() -> None:
    at = np.arange(5 * RATE) / RATE
    assert _spoken_from_to(_tones(5, 440) * np.exp(-at)) == []
    assert _spoken_from_to(0.3 * np.sin(2 * np.pi * (300 + 100 * at) * at)) == []


@pytest.mark.parametrize("pitch_hz", [90.0, 140.0, 220.0])
def test_a_voice_on_one_pitch_is_heard(pitch_hz: float) -> None:
    voice = _voice(0.5, pitch_hz)
    assert _spoken_from_to(np.concatenate([QUIET, voice, QUIET])) == [(2.6, 3.9)]


@pytest.mark.parametrize("beneath_db", [-20, 0, 20])
def test_a_voice_is_heard_in_a_tone_even_in_a_louder_one(beneath_db: float) -> None:
    voice = np.concatenate([QUIET, _voice(2.5, 140.0), QUIET])
    tone = _tones(len(voice) / RATE, 440, loudness=0.04 * 10 ** (beneath_db / 20))
    assert len(_spoken_from_to(voice + tone)) == 1


def test_a_voice_is_heard_in_a_rumble_much_louder() -> None:
    voice = np.concatenate([QUIET, 0.02 * _voice(2.5, 140.0), QUIET])
    assert len(_spoken_from_to(voice + _tones(len(voice) / RATE, 20, 50, loudness=0.4))) == 1


def test_who_speaks_behind_a_beep_is_heard() -> None:
    beep = _tones(1, 1000)
    assert _spoken_from_to(np.concatenate([beep, QUIET, _voice(2.5, 140.0)])) == [(3.6, 6.5)]
