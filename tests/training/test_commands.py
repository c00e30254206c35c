"""The recipe of `commands`: what is dealt out and sent, with words that are tones."""

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from export.goldens import make_goldens
from kmaas.progress import PlainProgress
from models.commands import COMMANDS, LABELS, SPEC, CommandsConfig
from processing.audio import decode
from processing.spec import AudioSpec
from training.commands import CommandsRecipe
from training.config import load_config
from training.data.commands import Corpus, Spoken, trimmed
from training.spotting import Heard

RATE = 16_000
PROGRESS = PlainProgress(lambda _: None, time.monotonic)


def _word(text: str, kind: str, number: int) -> Spoken:
    seconds, hz = 0.2 + 0.01 * number, 200 + 30 * number
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)
    return Spoken(text, kind, tone.astype(np.float32))


@pytest.fixture(scope="module")
def recipe() -> CommandsRecipe:
    texts = (*COMMANDS, "river", "window")
    learnt = [_word(text, "espeak-ng", number) for text in (*texts, "seven") for number in range(6)]
    held_out = [_word(text, "piper", number) for text in texts for number in range(7)]
    config = load_config(SPEC)
    assert isinstance(config, CommandsConfig)
    sentences = [_word("a sentence", "flite", 200)]
    return CommandsRecipe(config, Corpus(learnt, sentences), Corpus(held_out, sentences), Path("unused"), PROGRESS)


def test_all_other_words_are_unknown_and_noises_are_silence(recipe: CommandsRecipe) -> None:
    inputs, targets = recipe.held_out()
    labels = targets.argmax(axis=1)
    assert targets.sum(axis=1).tolist() == [1.0] * len(inputs)
    assert [LABELS[label] for label in labels[: 12 * 7 : 7]] == [*COMMANDS, "unknown", "unknown"]
    assert {LABELS[label] for label in labels[12 * 7 :]} == {"silence"}
    assert len(inputs) > 12 * 7


def test_examples_are_files_of_what_the_model_takes_some_of_each_label(recipe: CommandsRecipe) -> None:
    examples, inputs = recipe.examples()
    assert len(examples) == len(inputs) >= 64
    assert {example.label for example in examples} == set(LABELS)
    assert len({example.name for example in examples}) == len(examples)
    for example, row in zip(examples, inputs, strict=True):
        sound = decode(example.body, sample_rate=RATE, max_seconds=10)
        np.testing.assert_array_equal(row, np.pad(sound, (0, len(row) - len(sound))))


def test_there_are_goldens_of_silence_though_for_most_of_it_no_second_label_is_clear(recipe: CommandsRecipe) -> None:
    """By a model that takes all for silence, and only for the loudest of it is sure of the order of what remains."""
    examples, _ = recipe.examples()
    silences = [example.body for example in examples if example.label == "silence"]
    assert len(silences) == 40
    peaks = sorted(np.abs(decode(body, sample_rate=RATE, max_seconds=10)).max() for body in silences)
    order = np.roll(np.arange(len(LABELS), 0, -1, dtype=np.float32), LABELS.index("silence"))

    def predict(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(order[np.newaxis] * (np.abs(inputs).max() >= peaks[-3]), np.float32)

    goldens = make_goldens(examples, LABELS, AudioSpec(sample_rate=RATE), None, predict)
    named = [golden.golden.name for golden in goldens if golden.golden.name.startswith("silence")]
    assert len(named) == 3


def test_in_an_epoch_every_command_is_as_frequent_as_another_and_unknown_is_more(recipe: CommandsRecipe) -> None:
    labels = np.repeat(np.arange(12), [*[10] * 5, *[200] * 5, 30, 5000])
    heard = Heard(np.arange(len(labels), dtype=np.float16), labels)
    rows, targets = (np.concatenate(parts) for parts in zip(*(recipe.drawn(heard, n) for n in range(40)), strict=True))
    shares = targets.mean(axis=0)
    assert np.allclose(shares[:11], 0.7 / 11, atol=0.025)
    assert shares[11] == pytest.approx(0.3, abs=0.04)
    assert len(rows) == 40 * recipe.facts.training_rows
    again, _ = recipe.drawn(heard, 0)
    np.testing.assert_array_equal(again, rows[: len(again)])


def test_a_word_begins_and_ends_where_it_can_be_heard() -> None:
    tone = _word("yes", "piper", 10).sound
    quiet = np.pad(tone, (3200, 4800))
    assert abs(len(trimmed(quiet)) - len(tone)) <= 320
    assert len(trimmed(np.zeros(1000, np.float32))) == 1000
