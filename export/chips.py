"""Chips of the face in a golden, as the gateway makes them of its picture and of what is answered to it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from export.goldens import Array
from processing.boxes import Box
from processing.face_chip import aligned_chip, placed, square_around, square_chip
from processing.image import decode
from store.golden import Golden
from store.manifest import EMBED_SIGNATURE, LANDMARKS_SIGNATURE

_MAX_PIXELS = 2**24


def chips_of(golden: Golden, functions: Mapping[str, Any]) -> dict[str, Array]:
    """By the signature that takes it, `[1, side, side, 3]`, that of the face with the highest score; none if the answer
    has no face.

    Args:
        functions: the `tf.function` behind each of these signatures.
    """
    told: Any = golden.expected
    if not told:
        return {}
    picture = decode(golden.body, max_pixels=_MAX_PIXELS)
    square = square_around(Box(**told[0]["box"]))
    sought = square_chip(picture, square, _side(functions[LANDMARKS_SIGNATURE]))[np.newaxis]
    (points,) = np.asarray(functions[LANDMARKS_SIGNATURE](sought)["landmarks"])
    aligned = aligned_chip(picture, placed(points, square), _side(functions[EMBED_SIGNATURE]))[np.newaxis]
    return {LANDMARKS_SIGNATURE: sought, EMBED_SIGNATURE: aligned}


def _side(function: Any) -> int:
    (given,) = function.input_signature
    return int(given.shape[1])
