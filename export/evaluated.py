"""Whether a run still answers as when it was evaluated: the same weights, tokenizer, preprocessing and labels.

In between its files may have been damaged or exchanged, and the code of `processing` may have changed.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from export.errors import LabelsError, NotAsEvaluatedError
from export.goldens import Array
from models.example import Example, kept_of
from store.manifest import Metric
from store.twin import gap

_TOLERANCE = 1e-4  # see `store.twin.gap`
_CHANCE = 1e-6  # less likely than this, it is no accident


def check_evaluated(
    examples: Sequence[Example],
    labels: Sequence[str],
    metrics: Sequence[Metric],
    preprocess: Callable[[bytes], Array],
    predict: Callable[[Array], Array],
) -> None:
    """Asks the model all examples.

    Args:
        metrics: of the evaluation; without an accuracy among them the labels are not judged.
        preprocess: a request's body to the model's input `[1, …]`.
        predict: that to logits `[1, labels]`, or to another vector where there are no labels.

    Raises:
        NotAsEvaluatedError: an answer is not the one that was kept at the evaluation.
        LabelsError: far fewer of the examples are read as labelled than the evaluation says.
    """
    right = 0
    for example in examples:
        answer = predict(preprocess(example.body))[0]
        if example.answer is not None:
            apart = _apart(np.array(example.answer, np.float32), kept_of(answer))
            if not apart <= _TOLERANCE:
                raise NotAsEvaluatedError(example.name, apart, _TOLERANCE)
        right += bool(labels) and labels[int(answer.argmax())] == example.label
    accuracy = next((metric for metric in metrics if metric.name == "accuracy"), None)
    if labels and accuracy is not None and mislabelled(right, len(examples), accuracy):
        raise LabelsError(right, len(examples), accuracy.value)


def mislabelled(right: int, rows: int, accuracy: Metric) -> bool:
    """Less than half as many are right as should be, and by chance that happens once in a million times.

    P(at most `right` of n) under a binomial distribution; its share is the accuracy by Laplace's rule of succession.
    """
    share = (accuracy.value * accuracy.rows + 1) / (accuracy.rows + 2)
    tail = sum(math.comb(rows, k) * share**k * (1 - share) ** (rows - k) for k in range(right + 1))
    return right < rows * share / 2 and tail < _CHANCE


def _apart(kept: Array, answer: Array) -> float:
    """As `store.twin.gap`, but what was no number then may be none now: the goldens will tell of it."""
    return 0.0 if np.array_equal(kept, answer, equal_nan=True) else gap(kept, answer)
