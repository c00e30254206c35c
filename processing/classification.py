"""Scores of labels: logits to probabilities, and the order in which an answer names them."""

from collections.abc import Sequence
from heapq import nlargest
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEDIA_TOP_K = 5  # labels in the answer to a picture or a recording that asks for no number of them

Scores = NDArray[np.floating[Any]]


def softmax(logits: Scores, temperature: float = 1.0) -> Scores:
    """Probabilities over the last axis: exp(x) / Σ exp(x) with x = logits / temperature.

    Moved by the greatest logit so that nothing overflows.
    """
    powers = np.exp((logits - logits.max(axis=-1, keepdims=True)) / temperature)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def sigmoid(logits: Scores, temperature: float = 1.0) -> Scores:
    """A probability for each label by itself: 1 / (1 + exp(−logits / temperature)), without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -logits / temperature)))


def ranked(scores: Scores, labels: Sequence[str], top_k: int) -> list[list[tuple[str, float]]]:
    """For each row of `scores` `[rows, labels]` the `top_k` best labels, descending; of equal ones the first leads."""
    columns = range(scores.shape[1])
    return [
        [(labels[column], row[column]) for column in nlargest(top_k, columns, key=row.__getitem__)]
        for row in scores.tolist()
    ]
