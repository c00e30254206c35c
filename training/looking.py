"""What a detector tells of pictures while it is measured: as its version will, chosen among its candidates."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.detection import Choice, choose
from models.spec import DetectorConfig
from models.traced import traced
from processing.boxes import Outputs
from processing.image import Pixels

if TYPE_CHECKING:
    import keras

Look = Callable[[Sequence[Pixels]], list[Outputs]]
"""Inputs of a model, `[height, width, 3]` each, to what is chosen of each."""


def looking(model: "keras.Model", of: DetectorConfig, *, together: int = 1) -> Look:
    """With so many pictures together in a run."""
    choice, candidates = Choice(of.most, of.least_score, of.iou_threshold), traced(model)

    def look(inputs: Sequence[Pixels]) -> list[Outputs]:
        seen: list[Outputs] = []
        for start in range(0, len(inputs), together):
            found = choose(candidates(np.stack(inputs[start : start + together])), choice)
            seen += Outputs.rows({name: np.asarray(values) for name, values in found.items()})
        return seen

    return look
