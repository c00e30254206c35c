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
        self.paces = 64
        self.patience_s = 1.0
        self.left = False
        self.falls: list[Exception] = []
        self.before: Callable[[str], object] = lambda _: None
        self.patient: Callable[[], object] = self.impatient

    def ask(self, signature: str, inputs: Tensors) -> Tensors:
        self.before(signature)
        if self.falls:
            raise self.falls.pop()
        if signature == "decode":
            return self._written(inputs)
        assert inputs["token_ids"].shape[1] <= CACHE.piece
        [length] = inputs["lengths"]
        return self._answer(inputs["lease"], inputs["start"], inputs["token_ids"][:, :length])

    def move(self) -> None:
        self.moved += 1
        self.texts.clear()

    def waiting(self) -> AbstractContextManager[Callable[[], object]]:
        return nullcontext(self.patient)

    def impatient(self) -> None:
        raise DeadlineError(self.patience_s)

    def release(self, leases: Array) -> None:
        for lease in leases.tolist():
            self.texts.pop(lease, None)

    def leave(self) -> None:
        self.left = True

    def _written(self, inputs: Tensors) -> Tensors:
        """As `export.cached` does: all rows stop with the one that wants the fewest steps."""
        rows = len(inputs["lease"])
        tokens, counts, found = inputs["token_id"], np.zeros(rows, np.int32), []
        for step in range(min(inputs["steps"].min(), self.paces)):
            outputs = self._answer(inputs["lease"], inputs["position"] + step, tokens[:, np.newaxis])
            tokens = outputs["logits"].argmax(axis=1).astype(np.int32)
            counts += outputs["held"]
            found.append(np.where(outputs["held"], tokens, 0).astype(np.int32))
        logs = np.zeros((rows, len(found)), np.float32)
        return {**outputs, "token_ids": np.stack(found, axis=1), "counts": counts, "log_probabilities": logs}

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


def written(decoder: CachedDecoder, prompt: Sequence[int], tokens: int, choices: Sequence[int]) -> list[int]:
    """As `grown`, with as many tokens at once as there are."""
    texts = {choice: [*prompt, choice % VOCABULARY] for choice in choices}
    goal = len(prompt) + 1 + tokens
    while any(len(text) < goal for text in texts.values()):
        under_way = {choice: text for choice, text in texts.items() if len(text) < goal}
        steps = goal - max(map(len, under_way.values()))
        for choice, found in decoder.next_tokens(under_way, steps).items():
            assert 1 <= len(found.tokens) <= steps
            assert len(found.log_probabilities) == len(found.tokens)
            texts[choice].extend(found.tokens)
    return texts[choices[-1]]


@given(
    st.lists(st.integers(0, VOCABULARY - 1), max_size=40),
    st.integers(1, 20),
    st.integers(1, CACHE.slots),
    st.integers(1, 9),
    st.integers(0, 9),
)
def test_tokens_that_are_written_at_once_are_those_of_single_steps(
    prompt: list[int], tokens: int, choices: int, paces: int, at: int
) -> None:
    """However many the server writes at a time, and if slots are lost on the way."""
    memory, calls = Memory(), 0

    def forget(_signature: str) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            memory.texts.clear()

    memory.paces, memory.before = paces, forget
    memory.patient = lambda: None
    assert written(decoder(memory), prompt, tokens, range(choices)) == expected(prompt, tokens, choices - 1)


def test_a_call_writes_many_tokens() -> None:
    memory = Memory()
    signatures: list[str] = []
    memory.before = signatures.append
    assert written(decoder(memory), [3], 40, (0,)) == expected([3], 40)
    assert signatures == ["prefill", "decode"]


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


def test_a_text_that_loses_its_server_gives_its_slots_back_before_it_waits_for_one() -> None:
    """The server is to prove itself first, which needs a slot. So it does when none comes in time."""

    class Lonely(Memory):
        def move(self) -> None:
            assert not self.texts
            raise DeadlineError(1)

    memory = Lonely()
    kept = decoder(memory)
    kept.next_logits({0: [1, 2], 1: [3]})
    memory.falls = [ModelServerDownError()]
    with pytest.raises(DeadlineError):
        kept.next_logits({0: [1, 2, 3], 1: [3, 3]})


def test_a_reading_that_breaks_off_leaves_no_slot_behind() -> None:
    memory = Memory()
    kept = decoder(memory)
    calls = 0

    def fall(_signature: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            memory.falls = [ModelServerDownError()]

    memory.before, memory.move = fall, lambda: None  # type: ignore[method-assign] # to the same server, which kept all
    kept.next_logits({0: [1] * 20})
    assert len(memory.texts) == 1


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
    memory.patience_s = 12.5
    with pytest.raises(NoSlotError, match=r"3 texts are being continued.* within 12\.5 s; try again in 13 s") as caught:
        kept.next_logits({0: [1, 2]})
    assert caught.value.retry_after_s == 13
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


RIGHT = {
    "held": np.ones(1, bool),
    "logits": np.zeros((1, VOCABULARY), np.float32),
    "token_ids": np.array([[3, 4]], np.int32),
    "counts": np.array([2], np.int32),
    "log_probabilities": np.zeros((1, 2), np.float32),
}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"token_ids": np.array([[3, 4]], np.int64)},
        {"token_ids": np.array([3, 4], np.int32)},
        {"token_ids": np.array([[3, VOCABULARY]], np.int32)},
        {"token_ids": np.array([[-1, 3]], np.int32)},
        {"counts": np.array([3], np.int32)},
        {"counts": np.array([0], np.int32)},
        {"counts": np.array([[2]], np.int32)},
        {"log_probabilities": np.zeros((1, 1), np.float32)},
        {"log_probabilities": np.full((1, 2), np.nan, np.float32)},
    ],
)
def test_tokens_that_are_none_are_a_broken_answer(wrong: Tensors) -> None:
    class Strange(Memory):
        def ask(self, signature: str, inputs: Tensors) -> Tensors:
            if signature == "prefill":
                return super().ask(signature, inputs)
            return {**RIGHT, **wrong} if wrong else {name: RIGHT[name] for name in ("held", "logits")}

    kept = decoder(Strange())
    kept.next_tokens({0: [1]}, 9)
    with pytest.raises(BrokenAnswerError, match="which tokens follow"):
        kept.next_tokens({0: [1, 1]}, 9)


def test_more_tokens_than_were_asked_for_are_a_broken_answer() -> None:
    class Eager(Memory):
        def ask(self, signature: str, inputs: Tensors) -> Tensors:
            return RIGHT if signature == "decode" else super().ask(signature, inputs)

    kept = decoder(Eager())
    kept.next_tokens({0: [1]}, 2)
    with pytest.raises(BrokenAnswerError):
        kept.next_tokens({0: [1, 1]}, 1)
