"""What the HTTP peers answer to a picture or a text: labels with scores, the best first, as the gateway words them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from processing.classification import MEDIA_TOP_K, softmax


class LabelWriter:
    """For the model in `folder`, which has `labels.json`."""

    def __init__(self, folder: Path) -> None:
        self._labels: list[str] = json.loads((folder / "labels.json").read_text())

    def __call__(self, logits: NDArray[Any]) -> bytes:
        """`logits` `[labels]` as JSON."""
        return orjson.dumps([{"label": label, "score": score} for label, score in self.best(logits)])

    def best(self, logits: NDArray[Any]) -> list[tuple[str, float]]:
        """Raises `ValueError` for logits of other labels."""
        if logits.shape != (len(self._labels),):
            raise ValueError(f"expected {len(self._labels)} logits, received {logits.shape}")
        scores = softmax(logits)
        return [(self._labels[n], float(scores[n])) for n in np.argsort(-scores)[:MEDIA_TOP_K]]
