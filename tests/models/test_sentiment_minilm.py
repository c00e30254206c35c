"""The network of `sentiment` over MiniLM: padding never changes an answer, and what explains it adds up."""

from typing import Any

import numpy as np
import pytest

from export.explain import TOLERANCE, explain_function
from models.bert import PAD_ID
from models.bert_classifier import explain_bert
from models.sentiment_minilm import SPEC, SentimentMinilmConfig, build
from training.config import load_config

TEXTS = [[101, 7, 102], [101, 7, 3, 102], [101, 7, 3, 12, 9, 9, 41, 2, 102], [101, *range(1, 38), 102]]


@pytest.fixture(scope="module")
def model() -> Any:
    """Of one layer, with random weights everywhere, so that nothing is hidden by zeros."""
    import keras

    keras.utils.set_random_seed(1)
    config = load_config(SPEC, None, ["layers=1"])
    assert isinstance(config, SentimentMinilmConfig)
    model = build(config)
    rng = np.random.default_rng(1)
    for variable in model.weights:
        variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


def _padded(texts: list[list[int]]) -> Any:
    length = max(map(len, texts))
    return np.array([text + [PAD_ID] * (length - len(text)) for text in texts], np.int32)


@pytest.mark.parametrize("text", TEXTS)
def test_solo_equals_batch(model: Any, text: list[int]) -> None:
    alone = np.asarray(model(_padded([text]), training=False))
    together = np.asarray(model(_padded([text, [101, *[5] * 60, 102], [101, 1, 102]]), training=False))
    np.testing.assert_allclose(alone[0], together[0], atol=1e-5, rtol=1e-5)


def test_order_matters(model: Any) -> None:
    one, other = np.asarray(model(_padded([[101, 7, 3, 12, 102], [101, 12, 3, 7, 102]]), training=False))
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("label", [-1, 0, 1])
def test_weights_add_up_and_padding_has_none(model: Any, label: int) -> None:
    import tensorflow as tf

    function = explain_function(explain_bert(model), tf.TensorSpec([None, None], tf.int32, name="token_ids"))
    token_ids = _padded(TEXTS)
    answer = {
        name: values.numpy()
        for name, values in function(tf.constant(token_ids), tf.constant([label] * len(TEXTS))).items()
    }
    np.testing.assert_allclose(answer["logits"], model(token_ids, training=False), atol=1e-5)
    difference = answer["logit"] - answer["baseline_logit"]
    assert np.abs(difference).max() > 0.1
    apart = np.abs(answer["weights"].sum(axis=1) - difference)
    assert (apart <= TOLERANCE * np.maximum(1, np.abs(difference))).all(), apart
    assert not answer["weights"][token_ids == PAD_ID].any()
