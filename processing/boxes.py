"""What a detector found, as an answer tells it: labels, scores, and boxes in pixels of the picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from processing.window import Window

THRESHOLD = 0.5  # the least score in an answer to a request that asks for no other


class Box(NamedTuple):
    """Sides in pixels of the whole picture, as it was sent and is seen upright; its edges are 0 and its size."""

    xmin: int
    ymin: int
    xmax: int
    ymax: int


class Detection(NamedTuple):
    score: float
    label: str
    box: Box


@dataclass(frozen=True)
class Outputs:
    """What a detector answers to one picture, by falling score; what is behind the first `count` rows is nothing.

    `boxes` `[most, 4]` are ymin, xmin, ymax, xmax in units of the sides of what the model sees; `scores` and `classes`,
    which are positions of labels, are `[most]`.
    """

    boxes: NDArray[np.floating[Any]]
    scores: NDArray[np.floating[Any]]
    classes: NDArray[np.integer[Any]]
    count: int

    @classmethod
    def rows(cls, outputs: Mapping[str, NDArray[Any]]) -> list[Self]:
        """Of a batch, by the names of the outputs."""
        boxes, scores, classes = (outputs[name] for name in ("boxes", "scores", "classes"))
        counts = enumerate(outputs["count"].tolist())
        return [cls(boxes[row], scores[row], classes[row], count) for row, count in counts]


def detections(
    outputs: Outputs, labels: Sequence[str], window: Window, size: tuple[int, int], threshold: float
) -> list[Detection]:
    """Those whose score is at least `threshold`, by falling score.

    Args:
        window: the part of the picture that the model saw.
        size: height and width of the picture, at whose edges boxes are cut.
    """
    rows = [row for row in range(outputs.count) if outputs.scores[row] >= threshold]
    corner, extent = np.array([window.top, window.left] * 2), np.array([window.height, window.width] * 2)
    pixels = np.clip(outputs.boxes[rows].astype(np.float64) * extent + corner, 0, [*size, *size])
    return [
        Detection(float(outputs.scores[row]), labels[outputs.classes[row]], Box(xmin, ymin, xmax, ymax))
        for row, (ymin, xmin, ymax, xmax) in zip(rows, np.rint(pixels).astype(int).tolist(), strict=True)
    ]
