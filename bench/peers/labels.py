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
        scores = softmax(logits)
        best = np.argsort(-scores)[:MEDIA_TOP_K]
        return orjson.dumps([{"label": self._labels[n], "score": float(scores[n])} for n in best])
