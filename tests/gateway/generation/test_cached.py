"""The decoder that tells each token once, over a cache whose next token is the sum of all that it was told."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import BrokenAnswerError, DeadlineError, ModelServerDownError, NoSlotError
from gateway.generation.cached import CachedDecoder
from gateway.tasks.base import Tensors
from store.manifest import Cache
from wire.tensors import Array

VOCABULARY = 16
CACHE = Cache(slots=3, length=64, piece=8)


class Memory:
    """A `Keeping` over slots as an export makes them; `asked` counts the tokens that it was told."""

    def __init__(self) -> None:
        self.texts: dict[int, list[int]] = {}
        self.asked = 0
        self.moved = 0
        self.waits = 0
        self.left = False
        self.falls: list[Exception] = []
        self.before: Callable[[str], object] = lambda _: None
        self.patient: Callable[[], object] = self.impatient

    def ask(self, signature: str, inputs: Tensors) -> Tensors:
        self.before(signature)
        if self.falls:
            raise self.falls.pop()
        if signature == "decode":
            return self._answer(inputs["lease"], inputs["position"], inputs["token_id"][:, np.newaxis])
        assert inputs["token_ids"].shape[1] <= CACHE.piece
        [length] = inputs["lengths"]
        return self._answer(inputs["lease"], inputs["start"], inputs["token_ids"][:, :length])

    def move(self) -> None:
        self.moved += 1
        self.texts.clear()

    def waiting(self) -> AbstractContextManager[Callable[[], object]]:
        return nullcontext(self.patient)

    def impatient(self) -> None:
        raise DeadlineError(1.0)

    def release(self, leases: Array) -> None:
        for lease in leases.tolist():
            del self.texts[lease]

    def leave(self) -> None:
        self.left = True

    def _answer(self, leases: Array, starts: Array, tokens: Array) -> Tensors:
        logits, held = np.zeros((len(leases), VOCABULARY), np.float32), np.zeros(len(leases), bool)
        for row, (lease, start, added) in enumerate(
            zip(leases.tolist(), starts.tolist(), tokens.tolist(), strict=True)
        ):
            if lease not in self.texts and (start or len(self.texts) == CACHE.slots):
                continue
            text = self.texts.setdefault(lease, [])
            if start > len(text):
                continue
            text[start:] = added
            self.asked += len(added)
            held[row], logits[row, sum(text) % VOCABULARY] = True, 1
        return {"logits": logits, "held": held}


def decoder(memory: Memory) -> CachedDecoder:
    return CachedDecoder(memory, CACHE, VOCABULARY)


def grown(decoder: CachedDecoder, prompt: Sequence[int], tokens: int, choices: Sequence[int] = (0,)) -> list[int]:
    """The last choice's text; each is one token more than the one before it."""
    texts = {choice: [*prompt, choice % VOCABULARY] for choice in choices}
    for _ in range(tokens):
        for choice, logits in decoder.next_logits(texts).items():
            texts[choice].append(int(logits.argmax()))
    return texts[choices[-1]]


def expected(prompt: Sequence[int], tokens: int, choice: int = 0) -> list[int]:
    text = [*prompt, choice % VOCABULARY]
    for _ in range(tokens):
        text.append(sum(text) % VOCABULARY)
    return text


@given(st.lists(st.integers(0, VOCABULARY - 1), max_size=40), st.integers(1, 20), st.integers(1, CACHE.slots))
def test_each_token_is_told_once(prompt: list[int], tokens: int, choices: int) -> None:
    memory = Memory()
    text = grown(decoder(memory), prompt, tokens, range(choices))
    assert text == expected(prompt, tokens, choices - 1)
    assert memory.asked == choices * (len(text) - 1)


@given(st.integers(1, 30), st.integers(0, 29))
def test_a_slot_that_is_lost_is_read_again(tokens: int, at: int) -> None:
    memory = Memory()
    steps = 0

    def forget(_signature: str) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            memory.texts.clear()

    memory.before = forget
    memory.patient = lambda: None
    assert grown(decoder(memory), [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], tokens, (0, 1)) == expected(
        [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], tokens, 1
    )


def test_a_server_that_goes_is_left_for_another() -> None:
    memory = Memory()
    kept = decoder(memory)
    first = kept.next_logits({0: [1, 2]})
    memory.falls = [ModelServerDownError()]
    assert kept.next_logits({0: [1, 2, 3]})[0].argmax() == 6
    assert first[0].argmax() == 3
    assert memory.moved == 1


def test_a_text_at_which_servers_fall_over_does_not_go_to_them_all() -> None:
    memory = Memory()
    memory.falls = [ModelServerDownError() for _ in range(9)]
    with pytest.raises(ModelServerDownError):
        decoder(memory).next_logits({0: [1]})
    assert memory.moved == 2


def test_it_waits_for_a_slot() -> None:
    memory = Memory()
    memory.texts = {lease: [1] for lease in range(1, CACHE.slots + 1)}

    def free() -> None:
        memory.waits += 1
        if memory.waits == 3:
            memory.texts.popitem()

    memory.patient = free
    assert decoder(memory).next_logits({0: [1, 2]})[0].argmax() == 3
    assert memory.waits == 3


def test_it_does_not_wait_for_ever() -> None:
    memory = Memory()
    memory.texts = {lease: [1] for lease in range(1, CACHE.slots + 1)}
    kept = decoder(memory)
    with pytest.raises(NoSlotError, match="3 texts are being continued"):
        kept.next_logits({0: [1, 2]})
    kept.close()
    assert memory.left


def test_a_continuation_that_ends_gives_its_slot_back() -> None:
    memory = Memory()
    kept = decoder(memory)
    kept.next_logits({0: [1], 1: [2], 2: [3]})
    kept.next_logits({0: [1, 1], 2: [3, 1]})
    assert len(memory.texts) == 2
    kept.close()
    assert (memory.texts, memory.left) == ({}, True)


@pytest.mark.parametrize(
    ("outputs", "match"),
    [
        ({}, "held"),
        ({"held": np.ones(2, bool), "logits": np.zeros((1, VOCABULARY), np.float32)}, "held"),
        ({"held": np.ones(1, np.int32), "logits": np.zeros((1, VOCABULARY), np.float32)}, "held"),
        ({"held": np.ones(1, bool)}, "nothing as logits"),
        ({"held": np.ones(1, bool), "logits": np.zeros((1, 3), np.float32)}, "as logits"),
        ({"held": np.ones(1, bool), "logits": np.full((1, VOCABULARY), np.nan, np.float32)}, "not finite"),
    ],
)
def test_an_answer_of_another_form_is_broken(outputs: Tensors, match: str) -> None:
    class Strange(Memory):
        def ask(self, signature: str, inputs: Tensors) -> Tensors:
            return outputs

    with pytest.raises(BrokenAnswerError, match=match):
        decoder(Strange()).next_logits({0: [1]})
