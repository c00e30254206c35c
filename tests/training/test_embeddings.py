"""The recipe of `embeddings`: how its evaluation counts, with networks whose answers are known."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kmaas.config import Config
from kmaas.progress import PlainProgress
from models.embeddings import SPEC, EmbeddingsConfig, processing
from processing.text import TextEncoder
from store.evaluation import Classification
from training.config import load_config
from training.data import minilm
from training.data.paraphrases import Sentence
from training.data.questions import KINDS, Question
from training.embeddings import EmbeddingsRecipe

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
PAIRS = [
    ("A cat is asleep.", "The cat sleeps."),
    ("Prices rise again this year.", "This year everything will cost more again."),
    ("He plays the violin well.", "He is a good violinist."),
]
QUESTIONS = [Question("Who is he?", KINDS.index("person")), Question("Where is it?", KINDS.index("location"))]


def _recipe(pairs: list[tuple[str, str]], *settings: str) -> EmbeddingsRecipe:
    config = load_config(SPEC, None, settings)
    assert isinstance(config, EmbeddingsConfig)
    numbered = [(Sentence(2 * n, one), Sentence(2 * n + 1, other)) for n, (one, other) in enumerate(pairs)]
    return EmbeddingsRecipe(config, numbered, QUESTIONS, minilm.load(Config().cache).tokenizer, Path("unused"))


def _network(answers: Mapping[str, Sequence[float]]) -> Any:
    """Texts that are named have the vector that is named, at length 1; others the first direction."""
    import keras

    config = load_config(SPEC)
    assert isinstance(config, EmbeddingsConfig)
    encoder = TextEncoder(minilm.load(Config().cache).tokenizer, processing(config))
    # Of each text the sum of its token ids tells which it is.
    keys = np.array([encoder.encode([text]).sum() for text in answers], np.float32)
    vectors = np.array(list(answers.values()), np.float32)
    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    total = keras.ops.cast(keras.ops.sum(token_ids, axis=1, keepdims=True), "float32")
    chosen = keras.ops.cast(keras.ops.equal(total, keys), "float32")
    other = 1 - keras.ops.sum(chosen, axis=1, keepdims=True)
    first = np.eye(1, vectors.shape[1], dtype=np.float32)
    return keras.Model(token_ids, keras.ops.normalize(chosen @ vectors + other * first, axis=-1))


def test_right_is_a_sentence_whose_nearest_is_its_partner() -> None:
    (one, same), (two, alike), (three, like) = PAIRS
    vectors = {one: [1, 0, 0], same: [9, 1, 0], two: [0, 1, 0], alike: [0, 9, 1], three: [1, 1, 0], like: [0, 0, 1]}
    vectors |= {"Who is he?": [0, 1, 0], "The topic is person.": [0, 9, 1]}  # the other is where all labels are
    measured = _recipe(PAIRS).evaluate(_network(vectors), PROGRESS)
    evaluation = measured.evaluation
    assert not isinstance(evaluation, Classification)
    assert not evaluation.labels
    assert evaluation.rows == 3
    assert evaluation.accuracy == pytest.approx(2 / 3)
    assert measured.held_out.right.tolist() == [True, True, False]
    figures = {metric.name: metric.value for metric in evaluation.metrics}
    assert figures == {
        "accuracy": pytest.approx(2 / 3),
        "mean reciprocal rank": pytest.approx((1 + 1 + 1 / 3) / 3),
        "zero-shot accuracy": 0.5,
    }
    assert [(reference.name, reference.rows) for reference in evaluation.references] == [("TF-IDF of words", 3)]
    assert evaluation.robustness.undisturbed.accuracy == evaluation.accuracy
    assert {trial.disturbance for trial in evaluation.robustness.trials} == {"typos", "case", "accents", "punctuation"}


def test_the_rows_are_the_same_for_every_model_and_others_for_other_sentences() -> None:
    network = _network({"A cat is asleep.": [0, 1]})
    digests = [
        recipe.evaluate(network, PROGRESS).held_out.rows
        for recipe in (_recipe(PAIRS), _recipe(PAIRS, "max_tokens=4"), _recipe(PAIRS[1:]))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_rows_are_thinned_for_trials_and_examples_are_requests() -> None:
    recipe = _recipe(PAIRS, "rows=2")
    assert (recipe.facts.held_out_rows, recipe.facts.training_rows) == (2, 0)
    examples, inputs = recipe.examples()
    assert [(example.name, example.label) for example in examples] == [("tatoeba-0", ""), ("tatoeba-2", "")]
    assert examples[0].body == b'{"inputs": "A cat is asleep."}'
    assert inputs[0, 0] == 101
    assert inputs.shape[0] == 2
    held_out, truth = recipe.held_out()
    assert np.array_equal(held_out, inputs)
    assert truth.tolist() == [0, 1]
