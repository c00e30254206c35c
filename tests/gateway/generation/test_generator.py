"""The loop, over a decoder that says the next letter of what it was given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BrokenAnswerError
from gateway.generation.continuation import Plan
from gateway.generation.decoder import StatelessDecoder, Written
from gateway.generation.generator import generate
from gateway.generation.piece import Piece
from gateway.generation.sampling import Logits, Sampling
from gateway.tasks.base import Tensors
from processing.tokens import TokenCodec
from tests.support.small_text_models import byte_tokenizer

CODEC = TokenCodec(byte_tokenizer().to_str())
[END] = (token for token in range(CODEC.vocabulary) if CODEC.name(token) == "<|end|>")


class Reciter:
    """Recites a text, whatever was chosen; `flat` makes every token as likely."""

    def __init__(self, text: str, *, flat: bool = False) -> None:
        self.tokens = [*CODEC.encode(text), END]
        self.flat = flat
        self.asked: list[list[int]] = []
        self.wrote = 0
        self.closed = False

    def next_logits(self, sequences: Mapping[int, Sequence[int]]) -> Mapping[int, Logits]:
        self.asked.append(list(sequences))
        step = len(self.asked) - 1
        logits = np.zeros(CODEC.vocabulary, np.float32)
        logits[self.tokens[step % len(self.tokens)]] = 0 if self.flat else 50
        return dict.fromkeys(sequences, logits)

    def next_tokens(self, sequences: Mapping[int, Sequence[int]], steps: int) -> Mapping[int, Written]:
        """Three at once, or as many as may be."""
        self.asked.append(list(sequences))
        step = self.wrote
        self.wrote += min(3, steps)
        tokens = [self.tokens[at % len(self.tokens)] for at in range(step, self.wrote)]
        return dict.fromkeys(sequences, Written(tokens, [-1.0] * len(tokens)))

    def close(self) -> None:
        self.closed = True


def recited(decoder: Reciter, plan: Plan, choices: Sequence[int] = (0,)) -> list[Piece]:
    return list(generate(decoder, CODEC, CODEC.encode("x"), plan, choices))


def text(pieces: Sequence[Piece], choice: int = 0) -> str:
    return "".join(piece.shown for piece in pieces if piece.choice == choice)


def test_it_ends_at_the_token_that_ends_a_text() -> None:
    decoder = Reciter("hi 😀")
    pieces = recited(decoder, Plan(max_tokens=99, seed=0, end_ids=(END,)))
    assert text(pieces) == "hi 😀"
    assert [piece.finish for piece in pieces] == [None] * 7 + ["eos_token"]
    assert pieces[-1].token.special
    assert decoder.closed


def test_it_ends_after_so_many_tokens_without_a_broken_character() -> None:
    pieces = recited(Reciter("a😀"), Plan(max_tokens=3, seed=0))
    assert (text(pieces), len(pieces), pieces[-1].finish) == ("a", 3, "length")


def test_a_stop_string_over_several_tokens_ends_it_and_is_not_shown() -> None:
    pieces = recited(Reciter("say 😀 stop now"), Plan(max_tokens=99, seed=0, stops=("😀 st",)))
    assert (text(pieces), pieces[-1].finish) == ("say ", "stop_sequence")
    assert "".join(piece.added for piece in pieces) == "say 😀 st"


def test_what_was_held_back_for_a_stop_string_is_shown_at_the_end() -> None:
    pieces = recited(Reciter("ab"), Plan(max_tokens=2, seed=0, stops=("bc",)))
    assert text(pieces) == "ab"


def test_a_continuation_that_has_ended_is_asked_about_no_more() -> None:
    decoder = Reciter("ab", flat=True)
    plan = Plan(max_tokens=40, seed=3, sampling=Sampling(temperature=1.0), stops=tuple("aeiou"))
    pieces = recited(decoder, plan, choices=range(8))
    asked = [sum(choice in step for step in decoder.asked) for choice in range(8)]
    told = [sum(piece.choice == choice for piece in pieces) for choice in range(8)]
    assert asked == told
    assert len(set(told)) > 1


@given(st.integers(0, 2**64 - 1))
def test_a_seed_gives_the_same_again_and_neighbours_something_else(seed: int) -> None:
    plan = Plan(max_tokens=12, seed=seed, sampling=Sampling(temperature=1.0))
    first, second = ([p.token.id for p in recited(Reciter("a", flat=True), plan, (0, 1))] for _ in range(2))
    assert first == second
    assert first[::2] != first[1::2]


def test_a_choice_draws_the_same_alone_and_among_others() -> None:
    plan = Plan(max_tokens=12, seed=7, sampling=Sampling(temperature=1.0))
    together = [p.token.id for p in recited(Reciter("a", flat=True), plan, (0, 1, 2)) if p.choice == 1]
    assert together == [p.token.id for p in recited(Reciter("a", flat=True), plan, (1,))]


def test_likely_tokens_are_told_with_the_model_s_own_probabilities() -> None:
    [piece] = recited(Reciter("q"), Plan(max_tokens=1, seed=0, sampling=Sampling(temperature=5.0), likely=2))
    assert piece.likely[0].text == "q"
    assert piece.likely[0].logprob == pytest.approx(0, abs=1e-6)
    assert piece.likely[1].logprob == pytest.approx(-50, abs=1e-3)


@pytest.mark.parametrize(
    ("plan", "calls"),
    [
        (Plan(max_tokens=99, seed=0, end_ids=(END,), ahead=True), 7),
        (Plan(max_tokens=7, seed=0, end_ids=(END,), ahead=True), 3),
        (Plan(max_tokens=99, seed=0, end_ids=(END,), stops=("ay n",), ahead=True), 3),
    ],
)
def test_tokens_that_nobody_sees_before_the_last_come_at_once(plan: Plan, calls: int) -> None:
    ahead = Reciter("I say nothing 😀")
    pieces = recited(ahead, plan, (0, 1))
    singly = recited(Reciter("I say nothing 😀"), replace(plan, ahead=False), (0, 1))
    for choice in (0, 1):
        mine, theirs = ([p for p in made if p.choice == choice] for made in (pieces, singly))
        assert [(p.token.id, p.added, p.shown, p.finish) for p in mine] == [
            (p.token.id, p.added, p.shown, p.finish) for p in theirs
        ]
    assert {piece.token.logprob for piece in pieces} == {-1.0}
    assert len(ahead.asked) == calls
    assert ahead.wrote <= plan.max_tokens


@pytest.mark.parametrize("changed", [{"likely": 2}, {"sampling": Sampling(repetition_penalty=1.1)}, {"ahead": False}])
def test_who_needs_logits_gets_them(changed: dict[str, Any]) -> None:
    decoder = Reciter("abc")
    recited(decoder, replace(Plan(max_tokens=3, seed=0, ahead=True), **changed))
    assert (decoder.wrote, len(decoder.asked)) == (0, 3)


def test_closing_it_closes_the_decoder() -> None:
    decoder = Reciter("endless")
    pieces = generate(decoder, CODEC, CODEC.encode("x"), Plan(max_tokens=99, seed=0), (0,))
    next(pieces)
    pieces.close()
    assert decoder.closed
    assert len(decoder.asked) == 1


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"logits": np.zeros((1, 4), np.float32)},
        {"logits": np.zeros((2, 3), np.float32)},
        {"logits": np.zeros((2, 4), np.int32)},
        {"logits": np.full((2, 4), np.nan, np.float32)},
        {"logits": np.full((2, 4), np.inf, np.float32)},
        {"logits": np.full((2, 4), -np.inf, np.float32)},
    ],
)
def test_logits_that_are_none_are_a_broken_answer(outputs: Tensors) -> None:
    decoder = StatelessDecoder(lambda _: outputs, "token_ids", 4)
    with pytest.raises(BrokenAnswerError):
        decoder.next_logits({0: [1, 2], 1: [3, 0]})


def test_a_token_may_be_ruled_out() -> None:
    logits = np.array([[0, -np.inf, 0, 0]], np.float32)
    decoder = StatelessDecoder(lambda _: {"logits": logits}, "token_ids", 4)
    assert decoder.next_logits({5: [1]})[5].tolist() == logits[0].tolist()
    written = decoder.next_tokens({5: [1]}, 9)[5]
    assert written.tokens == [0]
    assert written.log_probabilities == pytest.approx([-np.log(3)])
