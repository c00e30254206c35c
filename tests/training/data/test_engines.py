"""Engines of speech: one of them, in processes of its own."""

from pathlib import Path

import numpy as np
import platformdirs
import pytest

from training.data.commands import trimmed
from training.data.engines import SAMPLE_RATE, Espeak, Saying
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
