"""What is heard, wherever in a recording it is: a network whose embedding is drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

LABELS, BACKGROUND = 4, (2, 3)
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def model() -> Any:
    import keras

    from models.spotting import spotter

    keras.utils.set_random_seed(1)
    return spotter(LABELS, BACKGROUND, 0.5, "spotter")


def _noise(seconds: float) -> Any:
    return RNG.normal(0, 0.1, int(seconds * 16_000)).astype(np.float32)


def _asked(model: Any, sounds: Sequence[Any]) -> Any:
    longest = max(map(len, sounds))
    return np.asarray(model(np.stack([np.pad(sound, (0, longest - len(sound))) for sound in sounds])))


@pytest.mark.parametrize("seconds", [0.0001, 0.5, 1.5, 4.0])
def test_a_recording_of_any_length_is_answered_as_alone_beside_a_longer_one(model: Any, seconds: float) -> None:
    sound = _noise(seconds)
    alone, together = _asked(model, [sound])[0], _asked(model, [sound, _noise(6.0)])[0]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_silence_is_answered_as_beside_a_recording(model: Any) -> None:
    silence = np.zeros(1000, np.float32)
    alone, together = _asked(model, [silence])[0], _asked(model, [silence, _noise(2.0)])[0]
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(together, alone, atol=1e-4)


def _clearest(background: Sequence[int], logits: Any, seconds: float) -> Any:
    from models.spotting import Clearest

    sound = np.ones((1, int(seconds * 16_000)), np.float32)
    return np.asarray(Clearest(background)([sound, np.array([logits], np.float32)]))[0]


def test_the_window_answers_in_which_the_background_is_least_probable_and_its_neighbours() -> None:
    windows = [*[[0, 0, 5, 0]] * 9, *[[4, 0, 0, 0]] * 4, [9, 0, 0, 0], *[[0, 4, 0, 0]] * 4, *[[0, 0, 0, 5]] * 9]
    np.testing.assert_allclose(_clearest(BACKGROUND, windows, 9.0), [25 / 9, 16 / 9, 0, 0], rtol=1e-6)


def test_of_two_sounds_far_apart_one_is_answered() -> None:
    windows = [*[[4, 0, 0, 0]] * 9, *[[0, 0, 5, 0]] * 9, *[[0, 6, 0, 0]] * 9]
    assert _clearest(BACKGROUND, windows, 9.0).argmax() == 1


def test_a_moment_that_sounds_like_something_is_outweighed() -> None:
    windows = [*[[1, 0, 3, 0]] * 9, [4, 0, 0, 0], *[[1, 0, 3, 0]] * 9]
    assert _clearest(BACKGROUND, windows, 9.0).argmax() == BACKGROUND[0]


def test_windows_behind_the_end_of_a_recording_have_no_say() -> None:
    windows = [[0, 3, 0, 0], [0, 5, 0, 0], *[[0, 0, 5, 0]] * 20, [9, 0, 0, 0]]
    assert _clearest(BACKGROUND, windows, 0.75).tolist() == [0, 4, 0, 0]
    assert _clearest(BACKGROUND, windows, 9.0)[0] > 0


def test_without_a_background_the_answer_is_the_mean_of_the_windows() -> None:
    windows = [[0, 0, 0, 4], [2, 0, 0, 0], *[[100, 100, 100, 100]] * 20]
    # of 0.75 s there are two windows: they begin 0.4 s before it, and end 0.4 s behind it at the latest
    assert _clearest((), windows, 0.75).tolist() == [1, 0, 0, 2]
