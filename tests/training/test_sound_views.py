"""Ways in which a word may reach a microphone."""

import numpy as np
import pytest

from training.sound_views import noise, nothing, view

LENGTH = 16_000
WORD = np.sin(2 * np.pi * 700 * np.arange(4800) / 16_000).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.01, 0.3, 2.0])
def test_a_view_has_its_length_and_no_sample_beyond_full_scale(seconds: float) -> None:
    sound = np.resize(WORD, int(seconds * 16_000))
    for seed in range(20):
        seen = view(sound, LENGTH, np.random.default_rng(seed))
        assert seen.shape == (LENGTH,)
        assert seen.dtype == np.float32
        assert np.isfinite(seen).all()
        assert 0 < np.abs(seen).max() <= 1


def test_the_same_chance_is_the_same_view_and_another_one_another() -> None:
    first, again, other = (view(WORD, LENGTH, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_words_stand_everywhere_and_at_many_loudnesses() -> None:
    views = np.stack([view(WORD, LENGTH, np.random.default_rng(seed)) for seed in range(100)])
    loudest = np.abs(views).argmax(axis=1) / LENGTH
    assert np.histogram(loudest, 4, (0, 1))[0].min() >= 8
    peaks = np.abs(views).max(axis=1)
    assert np.quantile(peaks, 0.1) < 0.1
    assert np.quantile(peaks, 0.9) > 0.4


def test_nothing_is_quiet_noise_or_none_at_all() -> None:
    powers = [float(np.mean(np.square(nothing(LENGTH, np.random.default_rng(seed))))) for seed in range(100)]
    assert min(powers) == 0
    assert 0 < float(np.median(powers)) < 0.001


def test_noise_has_power_one() -> None:
    for seed in range(10):
        assert float(np.mean(np.square(noise(LENGTH, np.random.default_rng(seed))))) == pytest.approx(1, abs=0.05)
