"""The recipe of `chat`: how its evaluation counts, with a network whose answers are known and bytes for tokens."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kmaas.progress import PlainProgress
from models.chat import SPEC, ChatConfig
from models.llama import llama
from store.evaluation import Classification
from tests.support.small_text_models import TEMPLATE
from tests.support.tiny_llama import SIZE, TOKENIZER, tiny_llama
from training.chat import ChatRecipe
from training.config import load_config
from training.data.prose import Prose, Text
from training.errors import ConfigurationError

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
PLAY = "To be, or not to be: that is the question, whether 'tis nobler in the mind to suffer, or not.\n" * 40
OTHERS = [Text("other", "plays", "The question is: to be, or to suffer nobly?\n" * 20)]
WINDOW = 256


def _recipe(*settings: str, play: str = PLAY) -> ChatRecipe:
    config = load_config(SPEC, None, ("context_tokens=1024", *settings))
    assert isinstance(config, ChatConfig)
    plays = Prose([Text("one", "plays", play), Text("two", "plays", play[::-1])], OTHERS)
    return ChatRecipe(config, plays, TOKENIZER.to_str(), TEMPLATE, Path("unused"))


def _silent() -> Any:
    """A network for which all tokens are as likely; the first is then named."""
    model = llama(SIZE)
    for variable in model.variables:
        variable.assign(np.zeros(variable.shape, np.float32))
    return model


@pytest.fixture(scope="module")
def measured() -> Any:
    return _recipe("rows=3").evaluate(_silent(), PROGRESS)


def test_a_row_is_a_token_and_what_is_thought_most_probable_there(measured: Any) -> None:
    evaluation = measured.evaluation
    assert not isinstance(evaluation, Classification)
    assert (evaluation.rows, evaluation.labels, evaluation.accuracy) == (3 * WINDOW, (), 0.0)
    assert measured.held_out.predicted.tolist() == [0] * 3 * WINDOW
    text = TOKENIZER.decode(measured.held_out.truth[:WINDOW].tolist())
    assert text in PLAY
    assert TOKENIZER.decode(measured.held_out.truth[WINDOW : 2 * WINDOW].tolist()) in PLAY[::-1]


def test_where_all_tokens_are_as_likely_each_needs_the_logarithm_of_their_number(measured: Any) -> None:
    figures = {metric.name: metric.value for metric in measured.evaluation.metrics}
    assert figures["bits per character"] == pytest.approx(np.log2(SIZE.vocabulary), rel=1e-5)
    assert figures["perplexity of a token"] == pytest.approx(SIZE.vocabulary, rel=1e-5)


def test_beside_it_stand_pairs_and_an_archive_of_other_texts(measured: Any) -> None:
    pairs, archive = measured.evaluation.references
    assert pairs.name == "always what followed the same token most often in other texts"
    assert 0.1 < pairs.value < 0.9
    assert archive.name == "bits per character of xz, which has read other texts"
    assert 0.5 < archive.value < 8


def test_slices_and_disturbances_are_of_tokens(measured: Any) -> None:
    slices = {(of.by, of.value): of.rows for of in measured.evaluation.slices}
    assert slices["place in the text", "1st to 16th"] == 3 * 16
    assert slices["token", "begins a word or line"] + slices["token", "goes on"] == 3 * WINDOW
    robust = measured.evaluation.robustness
    assert robust.undisturbed.rows == 9
    assert {trial.disturbance for trial in robust.trials} == {"typos", "case", "accents", "punctuation"}


def test_the_rows_are_the_same_for_every_model_and_others_for_other_plays() -> None:
    digests = [
        recipe.evaluate(model, PROGRESS).held_out.rows
        for recipe, model in (
            (_recipe("rows=1"), _silent()),
            (_recipe("rows=1", "context_tokens=512"), tiny_llama()),
            (_recipe("rows=1", play=PLAY.upper()), _silent()),
        )
    ]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("tokens", [63, 8193])
def test_a_context_that_its_prompts_do_not_fit_or_that_it_never_saw_is_refused(tokens: int) -> None:
    with pytest.raises(ConfigurationError, match="context_tokens"):
        load_config(SPEC, None, (f"context_tokens={tokens}",))


def test_examples_are_requests_of_clients_and_their_tokens() -> None:
    recipe = _recipe()
    examples, inputs = recipe.examples()
    assert len(examples) == len(inputs) == 64
    assert examples[0].body == (
        b'{"inputs": "<|im_start|>user\\nWhat is the capital of France?<|im_end|>\\n<|im_start|>assistant\\n", '
        b'"parameters": {"max_new_tokens": 4}}'
    )
    assert TOKENIZER.decode(inputs[0].tolist()).startswith("<|im_start|>user\nWhat is")
    held_out, truth = recipe.held_out()
    assert held_out.shape == (16, WINDOW)
    assert truth.shape == (16,)
    assert (recipe.facts.training_rows, recipe.facts.held_out_rows) == (0, 16 * WINDOW)
