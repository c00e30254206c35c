"""A decoder whose model server remembers: it is told each token once."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.errors import BrokenAnswerError, DeadlineError, ModelServerDownError, NoSlotError
from gateway.generation.decoder import Written, checked_logits
from gateway.generation.sampling import Logits
from gateway.tasks.base import Keeping, Tensors
from store.manifest import DECODE_SIGNATURE, PREFILL_SIGNATURE, Cache
from wire.tensors import Array

_LEASES = 2**63 - 1
_MOVES = 2  # a text at which servers fall over must not go to them all
_SHORTEST = 8  # tokens of a piece: those of nearly one length share a run


@dataclass(frozen=True)
class _After:
    """What follows a text: logits of the next token or, if several were `written`, of the last of them."""

    logits: Logits
    written: Written | None = None


class CachedDecoder:
    """A `Decoder` of a version with keeping signatures. Each continuation holds a slot of the model server's cache.

    What the server keeps may go: it was started again, or it gave the slot to somebody else because a slow reader had
    let it lie. Then the text is read again from its beginning, and nobody notices but by the time it takes.
    """

    def __init__(self, keeping: Keeping, cache: Cache, vocabulary: int) -> None:
        self._keeping = keeping
        self._cache = cache
        self._vocabulary = vocabulary
        self._leases: dict[int, int] = {}  # of the continuations that hold a slot, as far as is known
        self._kept: dict[int, int] = {}  # how many of their tokens are kept there

    def next_logits(self, sequences: Mapping[int, Sequence[int]]) -> Mapping[int, Logits]:
        """Raises:
        NoSlotError: nobody gave a slot back in the time of a step.
        """
        return {choice: found.logits for choice, found in self._found(sequences, 1).items()}

    def next_tokens(self, sequences: Mapping[int, Sequence[int]], steps: int) -> Mapping[int, Written]:
        """Raises what `next_logits` does."""
        found = self._found(sequences, steps)
        return {choice: after.written or Written.of(after.logits) for choice, after in found.items()}

    def close(self) -> None:
        self._give_back()
        self._keeping.leave()

    def _found(self, sequences: Mapping[int, Sequence[int]], steps: int) -> Mapping[int, "_After"]:
        for _ in range(_MOVES):
            try:
                return self._next(sequences, steps)
            except ModelServerDownError:
                self._give_back()  # a server that is back proves itself first, and needs a slot for that
                self._keeping.move()
        return self._next(sequences, steps)

    def _next(self, sequences: Mapping[int, Sequence[int]], steps: int) -> Mapping[int, "_After"]:
        for ended in self._leases.keys() - sequences.keys():
            self._free(ended)
        found = self._grown(
            {choice: tokens for choice, tokens in sequences.items() if self._kept.get(choice) == len(tokens) - 1}, steps
        )
        return {
            choice: found[choice] if choice in found else _After(self._read(choice, tokens))
            for choice, tokens in sequences.items()
        }

    def _grown(self, sequences: Mapping[int, Sequence[int]], steps: int) -> Mapping[int, "_After"]:
        """Of those whose slots are still theirs."""
        if not sequences:
            return {}
        inputs: Tensors = {
            "lease": np.array([self._leases[choice] for choice in sequences], np.int64),
            "position": np.array([len(tokens) - 1 for tokens in sequences.values()], np.int32),
            "token_id": np.array([tokens[-1] for tokens in sequences.values()], np.int32),
            "steps": np.full(len(sequences), steps, np.int32),
        }
        outputs = self._keeping.ask(DECODE_SIGNATURE, inputs)
        held, logits = self._checked(DECODE_SIGNATURE, inputs, outputs)
        written = _written(outputs, held, steps, self._vocabulary)
        found = {}
        for choice, holds, row, tokens in zip(sequences, held, logits, written, strict=True):
            if holds:
                self._kept[choice] += len(tokens.tokens)
                found[choice] = _After(row, tokens)
            else:
                self._lose(choice)
        return found

    def _read(self, choice: int, tokens: Sequence[int]) -> Logits:
        """The whole text, piece by piece, into a slot that is new to it."""
        with self._keeping.waiting() as wait:
            while (logits := self._read_once(choice, tokens)) is None:
                try:
                    wait()
                except DeadlineError as exc:
                    raise NoSlotError(self._cache.slots, exc.limit_s) from exc
        return logits

    def _read_once(self, choice: int, tokens: Sequence[int]) -> Logits | None:
        """None: there was no slot, or it was lost on the way."""
        self._leases[choice] = secrets.randbelow(_LEASES) + 1
        self._kept[choice] = 0
        logits = None
        for start in range(0, len(tokens), self._cache.piece):
            logits = self._piece(choice, tokens[start : start + self._cache.piece], start)
            if logits is None:
                self._lose(choice)
                return None
        return logits

    def _piece(self, choice: int, tokens: Sequence[int], start: int) -> Logits | None:
        """The logits after it; None if nothing is held."""
        width = min(self._cache.piece, max(_SHORTEST, 1 << (len(tokens) - 1).bit_length()))
        token_ids = np.zeros((1, width), np.int32)
        token_ids[0, : len(tokens)] = tokens
        inputs: Tensors = {
            "lease": np.array([self._leases[choice]], np.int64),
            "start": np.array([start], np.int32),
            "token_ids": token_ids,
            "lengths": np.array([len(tokens)], np.int32),
        }
        [held], [logits] = self._checked(PREFILL_SIGNATURE, inputs, self._keeping.ask(PREFILL_SIGNATURE, inputs))
        if not held:
            return None
        self._kept[choice] = start + len(tokens)
        row: Logits = logits
        return row

    def _checked(self, signature: str, inputs: Tensors, outputs: Tensors) -> tuple[NDArray[np.bool_], Logits]:
        """Whether each row was held, and its logits."""
        rows = len(inputs["lease"])
        held: Array | None = outputs.get("held")
        if held is None or held.shape != (rows,) or held.dtype != np.bool_:
            raise BrokenAnswerError(
                f"the model answered to {signature} without telling of each row whether it was held"
            )
        return held, checked_logits(outputs, (rows, self._vocabulary))

    def _give_back(self) -> None:
        """All slots; the texts are read again, if they go on."""
        if self._leases:
            self._keeping.release(np.array(list(self._leases.values()), np.int64))
        self._leases.clear()
        self._kept.clear()

    def _free(self, choice: int) -> None:
        self._keeping.release(np.array([self._leases[choice]], np.int64))
        self._lose(choice)

    def _lose(self, choice: int) -> None:
        self._leases.pop(choice, None)
        self._kept.pop(choice, None)


def _written(outputs: Tensors, held: NDArray[np.bool_], steps: int, vocabulary: int) -> Sequence[Written]:
    """Of each row; none of one that is not held.

    Raises:
        BrokenAnswerError: these are no tokens, or not as many as were counted.
    """
    ids, counts, logs = (outputs.get(name) for name in ("token_ids", "counts", "log_probabilities"))
    rows = len(held)
    if (
        ids is None
        or counts is None
        or logs is None
        or (ids.ndim, ids.shape, ids.shape[:1], counts.shape) != (2, logs.shape, (rows,), (rows,))
        or any(array.dtype != dtype for array, dtype in ((ids, np.int32), (counts, np.int32), (logs, np.float32)))
        or not ((counts > 0) == held).all()
        or not (counts <= min(steps, ids.shape[1])).all()
        or not ((ids >= 0) & (ids < vocabulary)).all()
        or not np.isfinite(logs).all()
    ):
        raise BrokenAnswerError("the model answered to decode without telling which tokens follow")
    return [
        Written(row[:count].tolist(), log[:count].tolist()) for row, log, count in zip(ids, logs, counts, strict=True)
    ]
