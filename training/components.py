"""The baseline that a detector of articles has to beat: what stands out from the ground, and what it is nearest to.

Whatever differs from the colours at the picture's border by more than Otsu's threshold, in connected pieces; each piece
is brought to the form of Fashion-MNIST and gets the label of its nearest neighbours there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from processing.boxes import Box, Detection
from processing.errors import ProcessingError
from processing.garment_form import garment_form
from processing.image import Pixels
from training.baseline import neighbours

_LEAST = 60  # pixels of a piece
_AROUND = 2  # pixels of ground that are cut out with a piece
_NEIGHBOURS = 5


class _Piece(NamedTuple):
    picture: int
    box: Box
    score: float
    form: Pixels


def components(
    pictures: Sequence[Pixels], known: Pixels, labels: NDArray[np.integer], names: Sequence[str]
) -> list[list[Detection]]:
    """What is told of each of `pictures`, RGB `[h, w, 3]`, by the articles `known` `[n, 28, 28]` and the positions of
    their labels among `names`. The score is how clearly a piece stands out, 0…1."""
    pieces = [piece for number, picture in enumerate(pictures) for piece in _pieces(number, picture)]
    told: list[list[Detection]] = [[] for _ in pictures]
    if pieces:
        forms = np.stack([piece.form[..., 0] for piece in pieces])
        nearest = neighbours(known, labels, forms, min(_NEIGHBOURS, len(known)))
        for piece, label in zip(pieces, nearest, strict=True):
            told[piece.picture].append(Detection(piece.score, names[label], piece.box))
    return told


def _pieces(number: int, picture: Pixels) -> list[_Piece]:
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    apart = np.linalg.norm(picture.astype(np.float32) - np.median(border, axis=0), axis=2)
    levels = np.clip(apart / np.sqrt(3), 0, 255).astype(np.uint8)
    _, mask = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
    count, places, facts, _ = cv2.connectedComponentsWithStats(mask)
    found = []
    for piece in range(1, count):
        x, y, width, height, area = (int(fact) for fact in facts[piece])
        if area < _LEAST:
            continue
        cut = slice(max(0, y - _AROUND), y + height + _AROUND), slice(max(0, x - _AROUND), x + width + _AROUND)
        try:
            form = garment_form(picture[cut])
        except ProcessingError:  # nothing differs from its corners
            continue
        score = float(levels[places == piece].mean()) / 255
        found.append(_Piece(number, Box(x, y, x + width, y + height), score, form))
    return found
