"""What comes next, as a language model on the model server says it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from gateway.errors import BrokenAnswerError
from gateway.generation.sampling import Logits, log_sum
from gateway.tasks.base import Tensors


@dataclass(frozen=True)
class Written:
    """Tokens that follow, at least one, each the most probable; and the logarithms of their probabilities."""

    tokens: Sequence[int]
    log_probabilities: Sequence[float]

    @classmethod
    def of(cls, logits: Logits) -> Self:
        """The one that these logits are for."""
        best = int(logits.argmax())
        return cls([best], [float(logits[best]) - log_sum(logits)])


class Decoder(Protocol):
    """Belongs to the continuations of one prompt, each with a number. Close it when they have ended."""

    def next_logits(self, sequences: Mapping[int, Sequence[int]]) -> Mapping[int, Logits]:
        """The logits `[vocabulary]` of the token that follows each sequence: the prompt and what was generated.

        From one call to the next a sequence grows by the tokens that were chosen; one that is not named any more has
        ended.

        Raises:
            BrokenAnswerError: the model answered something else.
            Whatever asking the model server raises.
        """

    def next_tokens(self, sequences: Mapping[int, Sequence[int]], steps: int) -> Mapping[int, Written]:
        """The most probable tokens that follow each sequence, as many as can be had at once, and `steps` at most.

        As `next_logits` in all else.
        """

    def close(self) -> None:
        """Gives back what the model server keeps of the continuations."""


class StatelessDecoder:
    """Asks a signature that keeps nothing: int32 `[batch, length]` to `logits`, float `[batch, vocabulary]`."""

    def __init__(self, ask: Callable[[Tensors], Tensors], input_name: str, vocabulary: int) -> None:
        self._ask = ask
        self._input = input_name
        self._vocabulary = vocabulary

    def next_logits(self, sequences: Mapping[int, Sequence[int]]) -> Mapping[int, Logits]:
        """Sequences that have the same length, as continuations of one prompt do while they go on."""
        outputs = self._ask({self._input: np.array(list(sequences.values()), dtype=np.int32)})
        return dict(zip(sequences, checked_logits(outputs, (len(sequences), self._vocabulary)), strict=True))

    def next_tokens(self, sequences: Mapping[int, Sequence[int]], steps: int) -> Mapping[int, Written]:  # noqa: ARG002
        return {choice: Written.of(logits) for choice, logits in self.next_logits(sequences).items()}

    def close(self) -> None:
        """Nothing is kept."""


def checked_logits(outputs: Tensors, shape: tuple[int, int]) -> Logits:
    """The output `logits`, `[rows, vocabulary]`.

    Raises:
        BrokenAnswerError: they are not of that shape, or no numbers from which a token can be chosen.
    """
    logits = outputs.get("logits")
    if logits is None or logits.shape != shape or logits.dtype.kind != "f":
        told = "nothing" if logits is None else f"{logits.dtype} {list(logits.shape)}"
        raise BrokenAnswerError(f"the model answered {told} as logits; expected floats {list(shape)}")
    best = logits.max(axis=1)  # NaN if one is; a token that is ruled out may have minus infinity
    if not np.isfinite(best).all():
        raise BrokenAnswerError("the model answered logits that are not finite")
    return logits
