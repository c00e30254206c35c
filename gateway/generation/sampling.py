"""Which token comes next: pure arithmetic on the logits of a language model."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen. In the order of these fields:

    - `repetition_penalty` r: logits of tokens seen before are divided by r if positive, multiplied if negative (Keskar
      et al. 2019, CTRL); 1 changes nothing.
    - `frequency_penalty`, `presence_penalty`: taken off the logit for each time, or once if, a token was generated.
    - `temperature`: logits are divided by it; 0 takes the most probable token, whatever else is said.
    - `top_k`: only so many of the most probable tokens.
    - `top_p`: only the fewest most probable ones that have together at least this probability (Holtzman et al. 2020).
    """

    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None


def log_sum(logits: Logits) -> float:
    """log Σ exp(logits): what a logit is more than the logarithm of its probability. To seven digits, which is what the
    logits themselves have."""
    largest = logits.max()
    return float(largest) + math.log(np.exp(logits - largest).sum(dtype=np.float64))


def penalised(logits: Logits, sampling: Sampling, prompt: Sequence[int], generated: Sequence[int]) -> Floats:
    """The logits after the penalties for what was there before; `prompt` counts only as a repetition."""
    after = logits.astype(np.float64)
    if sampling.repetition_penalty != 1:
        seen = np.unique(np.array([*prompt, *generated], dtype=np.int64))
        there = after[seen]
        after[seen] = np.where(there > 0, there / sampling.repetition_penalty, there * sampling.repetition_penalty)
    if generated and (sampling.frequency_penalty or sampling.presence_penalty):
        tokens, counts = np.unique(np.array(generated, dtype=np.int64), return_counts=True)
        after[tokens] -= sampling.frequency_penalty * counts + sampling.presence_penalty
    return after


def candidates(logits: Floats, sampling: Sampling) -> tuple[NDArray[np.int64], Floats]:
    """The tokens that may come, and their probabilities. Most probable first, of equal ones that of the lower id, if
    some are left out; by their ids if none is: to sort a vocabulary takes longer than all else."""
    if sampling.temperature == 0:
        return np.array([logits.argmax()]), np.ones(1)
    tokens = np.arange(len(logits)) if sampling.top_k is None else largest(logits, sampling.top_k)
    kept = logits[tokens]
    powers = np.exp((kept - kept.max()) / sampling.temperature)
    probabilities = powers / powers.sum()
    if sampling.top_p is None or sampling.top_p >= 1:
        return tokens, probabilities
    # All that are rarer than this have less than 1 - top_p together.
    [likely] = np.nonzero(probabilities >= (1 - sampling.top_p) / len(probabilities))
    order = likely[np.argsort(-probabilities[likely], kind="stable")]
    enough = int(np.searchsorted(np.cumsum(probabilities[order]), sampling.top_p)) + 1
    order = order[:enough]
    return tokens[order], probabilities[order] / probabilities[order].sum()


def largest(logits: NDArray[Any], count: int) -> NDArray[np.int64]:
    """The ids of so many of the largest, those first."""
    [there] = np.nonzero(logits >= np.partition(logits, -count)[-count]) if count < len(logits) else [slice(None)]
    ids = np.arange(len(logits))[there]
    return ids[np.argsort(-logits[ids], kind="stable")][:count]


def chosen(tokens: NDArray[np.int64], probabilities: Floats, draw: float) -> int:
    """The token at which the cumulated probability passes `draw`, a number in [0, 1)."""
    position = int(np.searchsorted(np.cumsum(probabilities), draw, side="right"))
    return int(tokens[min(position, len(tokens) - 1)])
