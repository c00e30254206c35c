"""The recipe of `topics`: posts for testing have no say, neither in the vocabulary nor in how rare a word is."""

import json

import numpy as np
import pytest
from sklearn.naive_bayes import ComplementNB

from models.topics import LABELS, SPEC, TopicsConfig
from processing.cleaning import cleans
from training.config import load_config
from training.data.newsgroups import Post
from training.topics import TopicsRecipe, complement_odds, inverse_document_frequency, known_pairs

WORDS = ("rocket", "engine", "orbit", "doctor", "patient", "fever")


def _posts(start: int, count: int, word: str = "") -> list[Post]:
    return [
        Post(f"{WORDS[number % 6]} {WORDS[(number + 1) % 6]} again {number} {word}", LABELS[14 if number % 2 else 13])
        for number in range(start, start + count)
    ]


@pytest.fixture(scope="module")
def recipe() -> TopicsRecipe:
    config = load_config(SPEC, None, ["vocabulary=200", "pairs=40"])
    assert isinstance(config, TopicsConfig)
    return TopicsRecipe(config, _posts(0, 80), _posts(100, 20, "unheard unheard-of"), None)


def test_posts_are_dealt_out_and_those_for_testing_stay_aside(recipe: TopicsRecipe) -> None:
    validation, targets = recipe.held_out()
    assert recipe.facts.held_out_rows == 20
    assert recipe.facts.training_rows + len(validation) == 80
    assert len(validation) == 4
    assert set(targets.argmax(axis=1)) <= {13, 14}
    assert recipe.tokenizer is not None
    assert "rocket" in recipe.tokenizer
    assert "unheard" not in recipe.tokenizer


def test_posts_are_cleaned_where_that_is_asked_for() -> None:
    config = load_config(SPEC, None, ["vocabulary=200", "pairs=40", "clean=true"])
    assert isinstance(config, TopicsConfig)
    tokenizer = TopicsRecipe(config, _posts(0, 80, "<br/>&nbsp;"), _posts(100, 20), None).tokenizer
    assert tokenizer is not None
    assert cleans(tokenizer)
    assert "nbsp" not in json.loads(tokenizer)["model"]["vocab"]


def test_a_model_begins_with_what_the_posts_say_of_words_and_pairs(recipe: TopicsRecipe) -> None:
    model = SPEC.build(load_config(SPEC, None, ["vocabulary=200", "pairs=40", "begin=2"]))
    recipe.prepare(model)
    rows, _ = recipe.epoch(0)
    np.testing.assert_allclose(
        model.get_layer("words_tfidf").idf, inverse_document_frequency(list(rows), 200), rtol=1e-6
    )
    pairs = model.get_layer("pair_terms")
    known = np.asarray(pairs.known)
    assert (np.diff(known) >= 0).all()
    numbers = np.asarray(pairs(rows))
    assert numbers.max() > 0
    codes = np.asarray(pairs.codes(rows))
    assert (known[numbers[numbers > 0] - 1] == codes[numbers > 0]).all()
    assert not np.isin(codes[(numbers == 0) & (codes != 0)], known).any()
    assert not np.asarray(model.get_layer("words").table)[0].any()


def test_the_most_frequent_pairs_are_known_and_none_of_one_post_alone() -> None:
    codes = np.array([[7, 7, 9, 0], [7, 9, 3, 0], [7, 4, 0, 0]])
    assert known_pairs(codes, 4).tolist() == [7, 9, 2**31 - 1, 2**31 - 1]
    assert known_pairs(codes, 1).tolist() == [7]


def test_odds_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    rows, labels = rng.integers(1, 8, (30, 6)), rng.integers(0, 3, 30)
    counts = np.stack([np.bincount(row, minlength=8) for row in rows])
    theirs = ComplementNB(alpha=0.1).fit(counts[:, 1:], labels).feature_log_prob_.T
    odds = complement_odds(rows, np.ones(rows.shape), np.eye(3)[labels], 8)
    shifted = theirs - theirs.mean(axis=1, keepdims=True)
    assert not odds[0].any()
    np.testing.assert_allclose(odds[1:], shifted, atol=0.01)  # which smoothes one term more


def test_examples_are_of_each_label_and_show_the_best(recipe: TopicsRecipe) -> None:
    examples, inputs = recipe.examples()
    assert len(examples) == len(inputs) == 20
    assert {example.label for example in examples} == {LABELS[13], LABELS[14]}
    assert b'"top_k": 5' in examples[0].body


def test_attacks_go_through_words_and_leave_pairs(recipe: TopicsRecipe) -> None:
    model = SPEC.build(load_config(SPEC, None, ["vocabulary=200", "pairs=40"]))
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(0, 1, variable.shape))
    import tensorflow as tf

    ids = tf.constant(recipe.held_out()[0])
    opened = recipe.embedded(model)
    np.testing.assert_allclose(opened.rest(ids, opened.words(ids)), model(ids, training=False), atol=1e-5)
