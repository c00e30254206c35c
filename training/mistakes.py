"""The worst mistakes of a classifier of pictures: those of which it is most certain, on one sheet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.classification import softmax
from processing.image import Pixels

_MOST = 24


@dataclass(frozen=True)
class Mistake:
    """`picture` is RGB `[h, w, 3]` as the model takes it; `confidence` is the probability of what was `told`."""

    picture: Pixels
    truth: str
    told: str
    confidence: float


def worst_mistakes(
    pictures: Pixels, truth: NDArray[np.int32], logits: NDArray[np.floating], labels: Sequence[str]
) -> tuple[Mistake, ...]:
    """At most 24, the most certain first."""
    probabilities = softmax(logits)
    told = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    wrong = np.flatnonzero(told != truth)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MOST]
    return tuple(Mistake(pictures[row], labels[truth[row]], labels[told[row]], float(confidence[row])) for row in worst)
