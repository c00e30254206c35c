"""Recipes for trials: measured on training rows that are kept aside, never on the held-out ones."""

import time

from kmaas.config import Config
from kmaas.progress import PlainProgress
from models.catalog import find
from training.config import load_train_config
from training.digits import DigitsRecipe
from training.recipe import Array
from training.recipes import make_recipe, make_trial_recipe
from training.sentiment import SentimentRecipe

CACHE = Config().cache
PROGRESS = PlainProgress(lambda _: None, time.monotonic)


def _rows(pictures: Array) -> set[bytes]:
    return {picture.tobytes() for picture in pictures}


def test_of_digits() -> None:
    config = load_train_config(find("digits"), None, ["rows=300"])
    plain, trial = (
        make_recipe(find("digits"), config, CACHE, PROGRESS),
        make_trial_recipe(find("digits"), config, CACHE, PROGRESS),
    )
    assert isinstance(plain, DigitsRecipe)
    assert isinstance(trial, DigitsRecipe)
    assert (trial.facts.training_rows, trial.facts.held_out_rows) == (240, 60)
    validation, labels = trial.held_out()
    assert _rows(validation) | _rows(trial._train) == _rows(plain._train)
    assert not _rows(validation) & (_rows(trial._train) | _rows(plain.held_out()[0]))
    assert labels.tolist() == plain._train_labels[::5].tolist()


def test_of_sentiment() -> None:
    config = load_train_config(find("sentiment"))
    plain = make_recipe(find("sentiment"), config, CACHE, PROGRESS)
    trial = make_trial_recipe(find("sentiment"), config, CACHE, PROGRESS)
    assert isinstance(plain, SentimentRecipe)
    assert isinstance(trial, SentimentRecipe)
    assert 0.19 < 1 - trial.facts.training_rows / plain.facts.training_rows < 0.21
    validation = {text.text for text in trial._test}
    assert not validation & {text.text for text in plain._test}
    assert not validation & {text.text for text in trial._clear_train}
    assert validation <= {text.text for text in plain._clear_train}
