"""What the networks of `sentiment` begin with and learn."""

import json
from pathlib import Path

import numpy as np

from kmaas.config import Config
from models import sentiment, sentiment_minilm
from models.bert import first_layers
from models.sentiment import SentimentConfig
from models.sentiment_minilm import SentimentMinilmConfig
from processing.cleaning import cleans
from training.config import load_config
from training.data import minilm
from training.sentiment_training import SentimentTraining, training_of

RATINGS = np.array([-4.0, -0.1, 0.1, 3.0])


def _words() -> SentimentTraining:
    config = load_config(sentiment.SPEC, None, ["vocabulary=60", "pair_buckets=16", "steepness=2"])
    assert isinstance(config, SentimentConfig)
    return training_of(config, {"good": 1.9, "bad": -2.5}, Path("unused"))


def _minilm() -> SentimentTraining:
    config = load_config(sentiment_minilm.SPEC, None, ["layers=1"])
    assert isinstance(config, SentimentMinilmConfig)
    return training_of(config, {}, Config().cache)


def test_words_learn_probabilities_and_minilm_the_rating() -> None:
    probabilities = _words().targets(RATINGS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.log(probabilities[:, 1] / probabilities[:, 0]), 2 * RATINGS, rtol=1e-3)
    logits = _minilm().targets(RATINGS)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], RATINGS, rtol=1e-6)
    for targets in (probabilities, logits):
        assert targets.argmax(axis=1).tolist() == [0, 0, 1, 1]


def test_words_begin_with_the_lexicon_and_negations() -> None:
    words = _words()
    tokenizer = words.tokenizer(["a good film", "not a bad film", "a film", "not good"])
    entries = json.loads(tokenizer)["model"]["vocab"]
    config = load_config(sentiment.SPEC, None, ["vocabulary=60", "pair_buckets=16"])
    model = sentiment.SPEC.build(config)
    words.prepare(model, tokenizer)
    layer = model.get_layer("words")
    assert np.asarray(layer.lexicon)[[entries["good"], entries["bad"], entries["film"]], 0].tolist() == [
        np.float32(1.9),
        np.float32(-2.5),
        0,
    ]
    assert (np.asarray(layer.shifters)[entries["not"]] < 0).all()


def test_texts_are_cleaned_where_that_is_asked_for() -> None:
    words = load_config(sentiment.SPEC, None, ["clean=true"])
    pieces = load_config(sentiment_minilm.SPEC, None, ["clean=true"])
    assert isinstance(words, SentimentConfig)
    assert isinstance(pieces, SentimentMinilmConfig)
    made = [
        training_of(words, {}, Path("unused")).tokenizer(["<b>good</b>&nbsp;film"] * 2),
        training_of(pieces, {}, Config().cache).tokenizer([]),
    ]
    assert all(map(cleans, made))
    assert "nbsp" not in json.loads(made[0])["model"]["vocab"]
    assert not cleans(_words().tokenizer(["good"] * 2))


def test_minilm_begins_with_the_published_weights_of_so_many_layers() -> None:
    pretrained = minilm.load(Config().cache)
    assert _minilm().tokenizer([]) == pretrained.tokenizer
    model = sentiment_minilm.SPEC.build(load_config(sentiment_minilm.SPEC, None, ["layers=1"]))
    _minilm().prepare(model, pretrained.tokenizer)
    encoder = model.get_layer("bert")
    words = np.asarray(encoder.get_layer("token_embedding").embeddings)
    assert np.array_equal(words, pretrained.weights["embeddings.word_embeddings.weight"])
    assert [layer.name for layer in encoder.layers if layer.name.startswith("transformer")] == ["transformer_layer_0"]
    kept = first_layers(pretrained.weights, 2)
    assert {name.split(".")[2] for name in kept if name.startswith("encoder.layer.")} == {"0", "1"}
    assert len([name for name in kept if name.startswith("embeddings.")]) == 6
