"""Moonshine's loop beside keras-hub's own network, with drawn weights."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.moonshine import SHORTEST, MoonshineSize, fill_moonshine, moonshine_backbone
from models.moonshine_listening import MoonshineListening, known_samples
from tests.support.moonshine_checkpoints import HEADS, VOCABULARY, WIDTH, drawn

RATE, MOST = 16_000, 16
START, END = 1, 2
LAYERS = 2
SIZE = MoonshineSize(VOCABULARY, WIDTH, LAYERS, LAYERS, HEADS, HEADS, 0.5)
LISTENING = MoonshineListening(START, END, MOST)


@pytest.fixture(scope="module")
def backbone() -> Any:
    made = moonshine_backbone(SIZE)
    fill_moonshine(made, drawn(LAYERS))
    return made


@pytest.fixture(scope="module")
def write(backbone: Any) -> Any:
    import tensorflow as tf

    given = [tf.TensorSpec([None, None], tf.float32)]
    return tf.function(lambda samples: LISTENING.write(backbone, samples), input_signature=given, autograph=False)


def _sound(seconds: float, hertz: float = 200) -> NDArray[np.float32]:
    """A tone that rises."""
    time_s = (np.arange(int(seconds * RATE)) + 1) / RATE
    return np.asarray(0.3 * np.sin(2 * np.pi * (hertz + 150 * time_s) * time_s), np.float32)


def _logits(backbone: Any, sound: NDArray[np.float32], tokens: list[int]) -> NDArray[np.float32]:
    """keras-hub's own, of what follows each of them: `[tokens, vocabulary]`."""
    given = np.array([tokens], np.int32)
    states = backbone(
        {
            "encoder_input_values": sound[np.newaxis, :, np.newaxis],
            "encoder_padding_mask": np.ones((1, len(sound)), bool),
            "decoder_token_ids": given,
            "decoder_padding_mask": np.ones(given.shape, bool),
        }
    )["decoder_sequence_output"]
    logits: NDArray[np.float32] = np.asarray(backbone.token_embedding(states, reverse=True))[0]
    return logits


def test_the_loop_says_what_keras_hubs_network_says(backbone: Any, write: Any) -> None:
    """Each token, and how probable all are."""
    sound = _sound(1.5)
    outputs = write(sound[np.newaxis])
    tokens = outputs["tokens"].numpy()[0, : int(LISTENING.limits(len(sound)))].tolist()
    logits = _logits(backbone, sound, [START, *tokens[:-1]])
    assert logits.argmax(axis=1).tolist() == tokens
    assert len(set(tokens)) > 4
    scores = logits.max(axis=1) - np.log(np.exp(logits).sum(axis=1))
    assert float(outputs["score"][0]) == pytest.approx(scores.mean(), abs=1e-4)


def test_neighbours_and_what_fills_a_row_up_change_nothing(write: Any) -> None:
    sounds = [_sound(0.7), _sound(2.0, 300), _sound(1.2, 500)]
    longest = max(map(len, sounds)) + 5000
    together = write(np.stack([np.pad(sound, (0, longest - len(sound))) for sound in sounds]))
    for row, sound in enumerate(sounds):
        alone = write(sound[np.newaxis])
        np.testing.assert_array_equal(together["tokens"][row], alone["tokens"][0])
        np.testing.assert_allclose(together["score"][row], alone["score"][0], atol=1e-4)
    assert len({tuple(row) for row in together["tokens"].numpy().tolist()}) == 3


def test_a_short_sound_has_few_words_and_of_a_moment_there_are_some(write: Any) -> None:
    """Six tokens a second, and those of one second more; behind them it is filled up with the end."""
    for seconds, most in ((0.5, 9), (1.0, 12), (0.001, 6)):
        [tokens] = write(_sound(seconds)[np.newaxis])["tokens"].numpy().tolist()
        assert END not in tokens[:most]
        assert set(tokens[most:]) == {END}
    assert known_samples(np.zeros((1, 10), np.float32)).numpy().tolist() == [SHORTEST]
    assert known_samples(np.ones((1, 3 * RATE), np.float32)).numpy().tolist() == [3 * RATE]


def test_more_than_a_window_is_refused_instead_of_cut_off(write: Any) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match="one call hears 30 s at most"):
        write(np.zeros((1, 30 * RATE + 1), np.float32))
