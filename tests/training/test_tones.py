"""Which ratings have which label, of two and of three."""

from pathlib import Path

import numpy as np
import pytest

from models import sentiment
from models.sentiment import SentimentConfig
from models.sentiment_neutral import SPEC, SentimentNeutralConfig
from training.config import load_config
from training.data.rated_texts import RatedText, RatedTexts
from training.sentiment import SentimentRecipe
from training.sentiment_training import LexiconTraining, training_of
from training.tones import Tones, tones_of

RATINGS = (-4.0, -1.5, -0.5, -0.4, -0.2, 0.0, 0.1, 0.4, 0.5, 2.0, 4.0)
TEXTS = [RatedText("movies", rating, f"text of {rating}", held_out=True) for rating in RATINGS]


def test_three_labels_meet_half_a_step_from_the_middle_and_every_text_has_one() -> None:
    tones = Tones(neutral=True)
    assert tones.labels(TEXTS).tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]
    assert all(map(tones.measured, TEXTS))
    assert [text.rating for text in TEXTS if tones.is_sure(text)] == [-4, -1.5, -0.2, 0, 0.1, 2, 4]


def test_of_two_labels_texts_near_the_middle_have_none() -> None:
    tones = Tones(neutral=False)
    measured = [text for text in TEXTS if tones.measured(text)]
    assert [text.rating for text in measured] == [-4, -1.5, -0.5, 0.5, 2, 4]
    assert tones.labels(measured).tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("neutral", [True, False])
def test_the_logits_to_learn_are_greatest_at_the_label(neutral: bool) -> None:
    tones = Tones(neutral)
    clear = [text for text in TEXTS if abs(text.rating) not in (0.0, 0.5)]
    logits = tones.logits(np.array([text.rating for text in clear]))
    assert logits.shape[1] == len(tones.spec.labels)
    assert logits.argmax(axis=1).tolist() == tones.labels(clear).tolist()


def test_examples_are_of_each_of_three_labels() -> None:
    config, words = load_config(SPEC, None, ["layers=1"]), load_config(sentiment.SPEC, None, [])
    assert isinstance(config, SentimentNeutralConfig)
    assert isinstance(words, SentimentConfig)
    assert tones_of(config) == Tones(neutral=True)
    trained = [RatedText("nyt", rating, f"word {number}", held_out=False) for number, rating in enumerate(RATINGS)]
    tokenizer = LexiconTraining(words, {}).tokenizer(text.text for text in TEXTS)
    how = training_of(config, {}, Path("unused"))
    recipe = SentimentRecipe(config, RatedTexts((*TEXTS, *trained), {}), how, tokenizer)
    examples, inputs = recipe.examples()
    assert {example.label for example in examples} == {"negative", "neutral", "positive"}
    assert len(inputs) == len(examples) == 7
    assert recipe.held_out()[1].shape == (len(TEXTS), 3)
