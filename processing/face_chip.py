"""Chips of faces: the part of a picture around a face, as networks take it. RGB uint8; black beyond the picture."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from processing.boxes import Box
from processing.image import Pixels

Points = NDArray[np.float64]
"""`[5, 2]`: x and y in pixels of a picture, whose upper left corner is 0, 0, of the eye to the left in the picture,
that to the right, the tip of the nose, and the corners of the mouth."""

_AROUND = 1.15  # the side of the square in which landmarks are sought, in units of the longer side of the box

_BEYOND = 0.5  # of a chip's side: so far from its edge a landmark may lie

# Where the landmarks of dlib's mean face are, in units of a square around it from the brows to the chin; and the margin
# to each side of that square that its networks were trained with.
_MEAN_FACE = np.array([[0.2255, 0.2160], [0.7548, 0.2160], [0.4901, 0.5156], [0.2541, 0.7802], [0.7261, 0.7802]])
_MARGIN = 0.25
_ALIGNED: Points = (_MEAN_FACE + _MARGIN) / (1 + 2 * _MARGIN)


class Square(NamedTuple):
    """In pixels of the picture, beyond which it may reach."""

    left: float
    top: float
    side: float


def square_around(box: Box) -> Square:
    """Around the middle of the box of a face; its chip is what landmarks are sought in."""
    side = _AROUND * max(box.xmax - box.xmin, box.ymax - box.ymin, 1)
    return Square((box.xmin + box.xmax - side) / 2, (box.ymin + box.ymax - side) / 2, side)


def square_chip(picture: Pixels, square: Square, side: int) -> Pixels:
    """`[side, side, 3]`: the square, resized."""
    left, top = int(np.floor(square.left)), int(np.floor(square.top))
    right, bottom = (int(np.ceil(edge + square.side)) for edge in (square.left, square.top))
    part = _part(picture, left, top, right, bottom)
    x, y = square.left - left, square.top - top
    return np.asarray(part.resize((side, side), Image.Resampling.BILINEAR, (x, y, x + square.side, y + square.side)))


def placed(landmarks: NDArray[np.floating[Any]], square: Square) -> Points:
    """Landmarks in units of the side of a square's chip, as a network tells them, in pixels of the picture. One that is
    far beyond the chip is brought nearer: what they span of the picture has a bound."""
    near = np.clip(np.asarray(landmarks, np.float64), -_BEYOND, 1 + _BEYOND)
    return near * square.side + (square.left, square.top)


def aligned_chip(picture: Pixels, landmarks: Points, side: int) -> Pixels:
    """`[side, side, 3]`: turned and scaled so that the landmarks are nearest to those of dlib's mean face."""
    turn, shift = similarity(landmarks, _ALIGNED * side)
    back = np.linalg.inv(turn)
    corners = (np.array([[0, 0], [side, 0], [0, side], [side, side]]) - shift) @ back.T
    left, top = (int(edge) - 1 for edge in np.floor(corners.min(axis=0)))
    right, bottom = (int(edge) + 1 for edge in np.ceil(corners.max(axis=0)))
    part = _part(picture, left, top, right, bottom)
    scale = min(1.0, float(np.hypot(*turn[0])))  # turning looks at four pixels alone: what is larger is reduced before
    size = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
    reduced = np.array(size) / part.size
    part = part.resize(size, Image.Resampling.BILINEAR)
    linear, offset = back * reduced[:, np.newaxis], (-back @ shift - (left, top)) * reduced
    affine = (*linear[0].tolist(), float(offset[0]), *linear[1].tolist(), float(offset[1]))
    return np.asarray(part.transform((side, side), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR))


def similarity(points: Points, to: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrix `[2, 2]` and shift `[2]` that turn, scale and shift `points` to where they are nearest to `to`: least
    squares, in closed form (S. Umeyama, 1991), without mirroring. Points that are all one are scaled by 1."""
    mean, aim = points.mean(axis=0), to.mean(axis=0)
    around, aimed = points - mean, to - aim
    spread = float((around**2).sum())
    cosine, sine = 1.0, 0.0
    if spread > 0:
        cosine = float((around * aimed).sum()) / spread
        sine = float((around[:, 0] * aimed[:, 1] - around[:, 1] * aimed[:, 0]).sum()) / spread
    turn = np.array([[cosine, -sine], [sine, cosine]])
    return turn, aim - turn @ mean


def _part(picture: Pixels, left: int, top: int, right: int, bottom: int) -> Image.Image:
    """Copies no more than that of a picture, which may be large."""
    inside = picture[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    part = np.zeros((bottom - top, right - left, 3), np.uint8)
    y, x = max(0, -top), max(0, -left)
    part[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return Image.fromarray(part)
