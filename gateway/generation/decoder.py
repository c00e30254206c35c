"""What comes next, as a language model on the model server says it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from gateway.errors import BrokenAnswerError
from gateway.generation.sampling import Logits
from gateway.tasks.base import Tensors


class Decoder(Protocol):
    """Belongs to the continuations of one prompt, each with a number. Close it when they have ended."""

    def next_logits(self, sequences: Mapping[int, Sequence[int]]) -> Mapping[int, Logits]:
        """The logits `[vocabulary]` of the token that follows each sequence: the prompt and what was generated.

        From one call to the next a sequence grows by one token; one that is not named any more has ended.

        Raises:
            BrokenAnswerError: the model answered something else.
            Whatever asking the model server raises.
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
