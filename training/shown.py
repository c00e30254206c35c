"""A picture in which a detector was to find things, for people to see."""

from collections.abc import Sequence
from dataclasses import dataclass

from processing.boxes import Detection
from processing.image import Pixels
from training.matching import Thing


@dataclass(frozen=True)
class Shown:
    """`picture` is RGB `[h, w, 3]`; what is there and what was told of it are in its pixels."""

    picture: Pixels
    things: Sequence[Thing]
    told: Sequence[Detection]
