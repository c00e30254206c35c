"""The network of `sentiment`: padding never changes an answer, and a negation turns what follows."""

from typing import Any

import numpy as np
import pytest

from models.sentiment import SPEC, SentimentConfig, build
from training.config import load_config


@pytest.fixture(scope="module")
def model() -> Any:
    """With random weights everywhere, so that nothing is hidden by zeros."""
    import keras

    keras.utils.set_random_seed(1)
    config = load_config(SPEC, None, ["vocabulary=50", "pair_buckets=64"])
    assert isinstance(config, SentimentConfig)
    model = build(config)
    rng = np.random.default_rng(1)
    for variable in model.weights:
        variable.assign(rng.normal(0, 1, variable.shape))
    return model


def _logits(model: Any, *texts: list[int], length: int | None = None) -> Any:
    length = length or max(map(len, texts))
    return model.predict(np.array([text + [0] * (length - len(text)) for text in texts], np.int32), verbose=0)


@pytest.mark.parametrize("text", [[7], [7, 3], [7, 3, 12, 9, 9, 41, 2]])
def test_solo_equals_batch(model: Any, text: list[int]) -> None:
    alone = _logits(model, text)
    in_batch = _logits(model, text, [5] * 20, [1])
    np.testing.assert_allclose(alone[0], in_batch[0], atol=1e-5, rtol=1e-5)


def test_order_matters(model: Any) -> None:
    assert np.abs(_logits(model, [7, 3, 12]) - _logits(model, [12, 3, 7])).max() > 1e-3


def test_a_word_before_turns_the_lexicons_valence() -> None:
    from models.valence import ShiftedWords

    words = ShiftedWords(5, 1)
    words.vectors.assign(np.zeros((5, 1)))
    words.lexicon.assign([[0], [0], [3], [0], [0]])
    words.shifters.assign([[0, 0, 0], [-2, -1, -0.5], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    valences = np.asarray(words(np.array([[2, 1, 2, 2, 2, 2, 0]], np.int32)))[0, :, 1]
    np.testing.assert_allclose(valences, [3, 0, -3, 0, 1.5, 3, 0])
