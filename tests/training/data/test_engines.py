"""Engines of speech: two of them, in processes of their own."""

from pathlib import Path

import numpy as np
import platformdirs
import pytest
from numpy.typing import NDArray

from training.data.commands import trimmed
from training.data.engines import SAMPLE_RATE, Espeak, Pico, Saying
from training.errors import EngineError


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak(Path(platformdirs.user_cache_dir("kmaas")))


def test_the_same_saying_sounds_the_same_and_texts_come_in_their_order(espeak: Espeak) -> None:
    short, long = Saying("go", "en-us+f2"), Saying("a very much longer sentence", "en-gb+m3")
    first, second, again = espeak.speak([short, long, short])
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.float32
    assert 2 * len(first) < len(second) < 5 * SAMPLE_RATE


def test_who_speaks_fast_is_done_sooner(espeak: Espeak) -> None:
    slow, fast = (
        len(trimmed(sound)) for sound in espeak.speak([Saying("stop", "en-us", speed) for speed in (0.6, 1.5)])
    )
    assert slow > 1.3 * fast


def test_a_wave_that_fills_its_numbers_stays_within_them_at_another_rate(espeak: Espeak) -> None:
    sounds = list(espeak.speak([Saying("stop", "en-us+antonio"), Saying("go", "en-us+ed")]))
    assert [float(np.abs(sound).max()) for sound in sounds] == [1.0, 1.0]


def test_what_the_engine_says_of_an_error_is_told(espeak: Espeak) -> None:
    with pytest.raises(EngineError, match="espeak-ng does not speak: it ended with code"):
        list(espeak.speak([Saying("stop", "zz")]))


def test_pico_has_two_voices_that_speak_as_fast_and_as_high_as_they_are_asked_to() -> None:
    pico = Pico(Path(platformdirs.user_cache_dir("kmaas")))
    ways = [(1.0, 1.0), (0.6, 1.0), (1.0, 1.5)]
    sounds = list(pico.speak([Saying("stop", voice, *way) for voice in pico.voices for way in ways]))
    american, british = sounds[:3], sounds[3:]
    assert not np.array_equal(american[0], british[0])
    for plain, slow, high in (american, british):
        assert len(trimmed(slow)) > 1.3 * len(trimmed(plain))
        assert _middle_hz(high) > 1.1 * _middle_hz(plain)
    assert all(0.1 < np.abs(sound).max() < 0.95 for sound in sounds), "louder it is cut off"


def _middle_hz(sound: NDArray[np.float32]) -> float:
    """Of the pitch of a vowel: the longest wave that repeats itself, by what a sound has in common with itself."""
    voiced = sound[len(sound) // 2 - 800 : len(sound) // 2 + 800]
    alike = np.correlate(voiced, voiced, "full")[len(voiced) - 1 :]
    shortest, longest = SAMPLE_RATE // 450, SAMPLE_RATE // 90
    return SAMPLE_RATE / (shortest + int(alike[shortest:longest].argmax()))
