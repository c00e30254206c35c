"""The network of `topics`: its weights are TF-IDF's, padding never changes an answer, and what explains it adds up."""

from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from export.explain import TOLERANCE, explain_function
from models.topics import PAD_ID, SPEC, TopicsConfig, build, explain
from training.config import load_config

TEXTS = [[7], [7, 3], [7, 3, 12, 7, 9, 41, 7], [*range(1, 30), 5, 5]]


@pytest.fixture(scope="module")
def model() -> Any:
    """With random weights everywhere, so that nothing is hidden by zeros."""
    import keras

    keras.utils.set_random_seed(1)
    config = load_config(SPEC, None, ["vocabulary=50", "pairs=64"])
    assert isinstance(config, TopicsConfig)
    model = build(config)
    rng = np.random.default_rng(1)
    pairs = rng.choice(50 * 50, 64, replace=False)
    model.get_layer("pair_terms").known.assign(np.sort([*pairs[:-3], 7 * 50 + 3, 3 * 50 + 12, 12 * 50 + 3]))
    for variable in model.weights:
        if variable.name == "known":
            continue
        variable.assign(
            np.abs(rng.normal(1, 0.3, variable.shape)) if "idf" in variable.name else rng.normal(0, 1, variable.shape)
        )
    return model


def _padded(texts: list[list[int]]) -> Any:
    length = max(map(len, texts))
    return np.array([text + [PAD_ID] * (length - len(text)) for text in texts], np.int32)


def test_weights_are_those_of_scikit_learn() -> None:
    from models.tfidf import TermWeights
    from training.topics import inverse_document_frequency

    rows = [np.array(text, np.int32) for text in TEXTS]
    layer = TermWeights(50)
    layer.idf.assign(inverse_document_frequency(rows, 50))
    weights = np.asarray(layer(_padded(TEXTS)))
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\d+")
    expected = vectorizer.fit_transform([" ".join(map(str, text)) for text in TEXTS]).toarray()
    for row, text in enumerate(TEXTS):
        for term, column in vectorizer.vocabulary_.items():
            summed = sum(weights[row, place] for place, given in enumerate(text) if given == int(term))
            np.testing.assert_allclose(summed, expected[row, column], atol=1e-6)
        assert not weights[row, len(text) :].any()


@pytest.mark.parametrize("text", TEXTS)
def test_solo_equals_batch(model: Any, text: list[int]) -> None:
    alone = np.asarray(model(_padded([text]), training=False))
    together = np.asarray(model(_padded([text, [5] * 60, [1]]), training=False))
    np.testing.assert_allclose(alone[0], together[0], atol=1e-5, rtol=1e-5)


def test_neighbours_matter(model: Any) -> None:
    one, other = np.asarray(model(_padded([[7, 3, 12], [12, 3, 7]]), training=False))
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("label", [-1, 0, 19])
def test_weights_add_up_and_padding_has_none(model: Any, label: int) -> None:
    import tensorflow as tf

    function = explain_function(explain(model), tf.TensorSpec([None, None], tf.int32, name="token_ids"))
    token_ids = _padded(TEXTS)
    answer = function(tf.constant(token_ids), tf.constant([label] * len(TEXTS)))
    answer = {name: values.numpy() for name, values in answer.items()}
    np.testing.assert_allclose(answer["logits"], model(token_ids, training=False), atol=1e-5)
    difference = answer["logit"] - answer["baseline_logit"]
    apart = np.abs(answer["weights"].sum(axis=1) - difference)
    assert (apart <= TOLERANCE * np.maximum(1, np.abs(difference))).all(), apart
    assert not answer["weights"][token_ids == PAD_ID].any()
