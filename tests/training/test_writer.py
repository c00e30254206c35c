"""The recipe of `writer`, with plays of a few lines: what is read, what is foretold, and that it learns."""

import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from kmaas.progress import PlainProgress
from models.catalog import find
from models.language import all_logits, at_all_places
from models.writer import END_ID, WriterConfig, build
from training.byte_pairs import END, make_byte_pairs
from training.config import load_config
from training.data.prose import Prose, Text
from training.errors import ConfigurationError
from training.fit import fit_epoch, fresh_model
from training.ngrams import Ngrams
from training.writer import WriterRecipe, for_choosing

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
LINE = "To be, or not to be: that is the question, whether 'tis nobler in the mind to suffer.\n"
PLAYS = Prose(
    held_out=[Text("macbeth", "plays", LINE * 80)],
    others=[Text(name, "plays", LINE * 60) for name in ("hamlet", "henry_v", "lear", "twelfth_night")],
)
TINY = ("vocabulary=300", "layers=1", "heads=2", "width=32", "context_tokens=64", "batch_size=8", "rows=24")


def _config(*settings: str) -> WriterConfig:
    config = load_config(find("writer"), None, (*TINY, *settings))
    assert isinstance(config, WriterConfig)
    return config


@pytest.fixture(scope="module")
def recipe() -> WriterRecipe:
    return WriterRecipe(_config(), PLAYS)


def test_the_tokenizer_takes_every_text_and_is_the_same_in_every_process() -> None:
    made = make_byte_pairs([LINE * 9], 280)
    from processing.tokens import TokenCodec

    codec = TokenCodec(made)
    assert (codec.vocabulary, codec.name(END_ID), codec.special_tokens) == (280, END, (END,))
    for text in (LINE, " \n\n\tŝ 😀\x00", ""):
        assert codec.decode(codec.encode(text)) == text
    assert len(codec.encode(LINE)) < 0.6 * len(LINE)
    program = f"from training.byte_pairs import make_byte_pairs as m; print(m([{LINE!r} * 9], 280), end='')"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == made


def test_a_row_of_an_epoch_is_a_stretch_of_plays_and_what_follows_each_token(recipe: WriterRecipe) -> None:
    rows, following = recipe.epoch(0)
    assert rows.shape == following.shape == (24, 64)
    assert np.array_equal(rows[:, 1:], following[:, :-1])
    text = recipe._foretelling.codec.decode([*rows[0].tolist(), int(following[0, -1])])
    assert text in LINE * 60 * 2
    assert not np.array_equal(rows, recipe.epoch(1)[0])
    assert np.array_equal(rows, recipe.epoch(0)[0])


def test_the_end_stands_between_two_plays(recipe: WriterRecipe) -> None:
    assert (recipe._stream == END_ID).sum() == len(PLAYS.others)
    assert recipe._stream[-1] == END_ID


@pytest.mark.parametrize(("words", "windows"), [(2000, 185), (6000, 384)])
def test_more_rows_than_there_are_count_no_token_twice(words: int, windows: int) -> None:
    play = " ".join(f"{number:05}" for number in range(words))
    prose = Prose([Text("macbeth", "plays", play)], PLAYS.others)
    told = WriterRecipe(_config("rows=2000"), prose)._foretelling
    texts = [told.codec.decode(window[1:].tolist()) for window in told.windows]
    starts = [play.index(text) for text in texts]
    assert len(starts) == windows
    assert all(start + len(text) <= after for start, text, after in zip(starts, texts, starts[1:], strict=False))


def test_what_is_chosen_by_is_none_of_what_is_held_out() -> None:
    novels = [Text(f"novel {number}", "novels", LINE) for number in range(20)]
    kept = for_choosing(Prose(PLAYS.held_out, [*PLAYS.others, *novels]))
    assert [text.name for text in kept.held_out] == ["hamlet", "novel 0", "novel 16"]
    assert [text.name for text in kept.others] == [
        *("henry_v", "lear", "twelfth_night"),
        *(novel.name for novel in novels if novel.name not in ("novel 0", "novel 16")),
    ]


def test_texts_of_all_kinds_are_foretold_alike_and_told_apart() -> None:
    articles = [Text(f"article {number}", "articles", LINE * 20) for number in range(4)]
    prose = Prose([*PLAYS.held_out, *articles, Text("too short", "articles", LINE)], PLAYS.others)
    told = WriterRecipe(_config(), prose)._foretelling
    assert told.data == f"{22 * 64:,} tokens of 1 plays, 5 articles"
    assert {kind: int(which.sum()) for kind, which in told._windows_of.items()} == {"plays": 12, "articles": 10}
    evaluation = told.measure(build(_config()), "writer", PROGRESS).evaluation
    kinds = [slice_ for slice_ in evaluation.slices if slice_.by == "kind of text"]
    assert [(slice_.value, slice_.rows) for slice_ in kinds] == [("plays", 12 * 64), ("articles", 10 * 64)]
    whole, plays, other = (metric for metric in evaluation.metrics if metric.name.startswith("bits per character"))
    assert (plays.name, other.name) == ("bits per character of plays", "bits per character of articles")
    assert plays.rows + other.rows == whole.rows
    assert min(plays.value, other.value) <= whole.value <= max(plays.value, other.value)


def test_texts_that_are_too_short_for_the_context_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="5000 are more than the texts have"):
        WriterRecipe(_config("context_tokens=5000"), for_choosing(PLAYS))


def test_a_network_whose_heads_do_not_share_it_evenly_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="a width of 33 cannot be shared out among 2 heads"):
        _config("width=33")


def test_muon_needs_a_rate() -> None:
    with pytest.raises(ConfigurationError, match=r"needs a learning_rate\.muon"):
        load_config(find("digits"), None, ["optimizer=muon"])


def test_every_token_of_a_row_is_learnt_of(recipe: WriterRecipe) -> None:
    config = _config("warm_up=0", "epochs=8")
    model, steps = fresh_model(find("writer"), config, recipe)
    losses = [fit_epoch(config, model, recipe, epoch, lambda _step: None) for epoch in range(8)]
    assert steps == 3
    assert isinstance(model.optimizer, keras.optimizers.Muon)
    assert float(model.optimizer.adam_lr_ratio) == pytest.approx(config.learning_rate.adam / 0.016)
    assert losses[-1] < losses[0] - 1
    plain = build(config)
    plain.set_weights(model.get_weights())
    rows, _ = recipe.held_out()
    everywhere = all_logits(plain)(rows[:2])
    np.testing.assert_allclose(everywhere[:, -1], np.asarray(plain(rows[:2])), atol=1e-5)
    np.testing.assert_allclose(everywhere, np.asarray(at_all_places(plain)(rows[:2])), atol=1e-5)


def test_beside_it_stand_ngrams_of_its_own_tokens(recipe: WriterRecipe) -> None:
    measured = recipe.evaluate(build(_config()), PROGRESS).evaluation
    assert [metric.name for metric in measured.metrics] == ["accuracy", "bits per character", "perplexity of a token"]
    *_, ngrams = measured.references
    assert ngrams.name.startswith("bits per character of 3-grams")
    assert 0 < ngrams.value < 0.2  # the same line again and again
    assert ngrams.rows == measured.rows == 24 * 64


def test_ngrams_weigh_what_followed_by_how_much_else_did() -> None:
    ngrams = Ngrams([[1, 2, 1, 2, 1, 3]], order=2, vocabulary=4)
    once = (2 + 3 / 4) / (6 + 3)  # of 2, among six tokens of three kinds
    after_1 = (2 + 2 * once) / (3 + 2)  # after 1 came 2 twice and 3 once
    assert ngrams.bits([1, 2]) == pytest.approx([-np.log2(after_1)])
    never = (0 + 3 / 4) / (6 + 3)
    assert ngrams.bits([0, 0]) == pytest.approx([-np.log2(never)])  # nothing is known of what follows 0
