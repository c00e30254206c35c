"""Scenes composed of Fashion-MNIST's articles on backgrounds: where each article is is known to the pixel.

Everything is a function of the articles, the photographs behind them and the generator's seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from processing.image import Pixels, decode
from training.data.archive import zip_member
from training.data.fetch import fetch
from training.data.photographs import PACKAGE

SIDE = 128  # pixels of a scene

_MAX_PIXELS = 2**20
_MOST_ARTICLES = 6
_TRIES = 12  # to find a place for one
_SIZES = (24.0, 80.0)  # pixels: the longer side of an article, each factor as likely
_TURNED = 10.0  # degrees, to either side
_OVERLAP = 0.3  # of the smaller of two boxes
_THERE = 16  # levels of grey: darker pixels of an article are what is behind it
_BARS = 0.3  # of the scenes have black bars, as a wide or a tall picture has
_NOISE, _CONTRAST = 8.0, (0.7, 1.1)

_TRAINING = ("astronaut.png", "brick.png", "camera.png", "coffee.png", "coins.png", "grass.png", "rocket.jpg")
_VALIDATION = 2  # of those for training are the test of a trial
_TEST = ("chelsea.png", "gravel.png", "moon.png", "motorcycle_left.png")


class Article(NamedTuple):
    """Grey `[28, 28]`, bright on black, and the position of its label."""

    picture: Pixels
    label: int


@dataclass(frozen=True)
class GarmentScene:
    """`picture` is RGB `[128, 128, 3]`; `boxes` float32 `[articles, 4]` are ymin, xmin, ymax, xmax in pixels, around
    all of an article, what a later one hides included; `labels` int32 `[articles]`; `background` is its kind."""

    picture: Pixels
    boxes: NDArray[np.float32]
    labels: NDArray[np.int32]
    background: str


@dataclass(frozen=True)
class Photographs:
    """What may be behind the articles; no photograph is in both."""

    training: Sequence[Pixels]
    test: Sequence[Pixels]

    @classmethod
    def load(cls, cache: Path) -> "Photographs":
        """Raises `TrainingError` when the package cannot be had."""
        wheel = fetch(PACKAGE, cache)

        def read(names: Sequence[str]) -> list[Pixels]:
            return [decode(zip_member(wheel, f"skimage/data/{name}"), max_pixels=_MAX_PIXELS) for name in names]

        return cls(read(_TRAINING), read(_TEST))

    def for_trials(self) -> "Photographs":
        """Of those for training the last ones as test, the others to train; the true ones for the test are gone."""
        return Photographs(self.training[:-_VALIDATION], self.training[-_VALIDATION:])


def compose(
    pictures: Pixels, labels: NDArray[np.integer], photographs: Sequence[Pixels], rng: np.random.Generator
) -> GarmentScene:
    """One to six of the articles `pictures` `[n, 28, 28]`, of which no two overlap by more than 0.3 of the smaller box;
    later ones lie above earlier ones."""
    background = tuple(BACKGROUNDS)[rng.integers(len(BACKGROUNDS))]
    scene = BACKGROUNDS[background](photographs, rng)
    top, left, bottom, right = _window(rng)
    boxes: list[NDArray[np.float32]] = []
    found: list[int] = []
    for _ in range(rng.integers(1, _MOST_ARTICLES + 1)):
        row = int(rng.integers(len(pictures)))
        colours, alpha = _article(pictures[row], rng)
        height, width = alpha.shape
        if height > bottom - top or width > right - left:
            continue
        for _ in range(_TRIES):
            y, x = int(rng.integers(top, bottom - height + 1)), int(rng.integers(left, right - width + 1))
            box = np.array([y, x, y + height, x + width], np.float32)
            if all(_overlap(box, other) <= _OVERLAP for other in boxes):
                part = scene[y : y + height, x : x + width]
                part += alpha[..., np.newaxis] * (colours - part)
                boxes.append(box)
                found.append(int(labels[row]))
                break
    scene = scene * rng.uniform(*_CONTRAST) + rng.standard_normal(scene.shape, np.float32) * rng.uniform(0, _NOISE)
    seen = np.zeros((SIDE, SIDE, 3), np.uint8)
    seen[top:bottom, left:right] = np.clip(np.rint(scene[top:bottom, left:right]), 0, 255)
    return GarmentScene(seen, np.array(boxes, np.float32).reshape(-1, 4), np.array(found, np.int32), background)


def _article(picture: Pixels, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours `[h, w, 3]` and how opaque each pixel is `[h, w]`, 0…1: sized, turned, perhaps mirrored, coloured; cut to
    where it is at least half opaque."""
    mirrored = picture[:, ::-1] if rng.random() < 0.5 else picture
    size = float(np.exp(rng.uniform(*np.log(_SIZES))))
    there = cv2.morphologyEx((mirrored >= _THERE).astype(np.float32), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    whole = np.where(mirrored >= _THERE, mirrored, cv2.dilate(mirrored, np.ones((3, 3), np.uint8)))  # no dark seam
    planes = [np.asarray(there, np.float32), whole.astype(np.float32)]
    side = max(mirrored.shape)
    field = round(size * 1.25)
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), rng.uniform(-_TURNED, _TURNED), size / side)
    turn[:, 2] += (field - side) / 2
    if size < side:  # every pixel of the article counts for one of the scene
        planes = [np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.4 * side / size), np.float32) for plane in planes]
    alpha, grey = (
        np.asarray(cv2.warpAffine(plane, turn, (field, field), flags=cv2.INTER_LINEAR), np.float32) for plane in planes
    )
    rows, columns = np.flatnonzero((alpha >= 0.5).any(axis=1)), np.flatnonzero((alpha >= 0.5).any(axis=0))
    cut = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    shade = grey[cut] / 255
    if rng.random() < 0.3:
        shade = 1 - 0.8 * shade
    tint = rng.uniform(0.35, 1.0, 3).astype(np.float32) * 255
    return np.asarray(shade[..., np.newaxis] * tint, np.float32), alpha[cut]


def _window(rng: np.random.Generator) -> tuple[int, int, int, int]:
    """Top, left, bottom, right of the part that is not black."""
    if rng.random() >= _BARS:
        return 0, 0, SIDE, SIDE
    bar = (SIDE - round(SIDE * rng.uniform(0.6, 0.95))) // 2
    return (bar, 0, SIDE - bar, SIDE) if rng.random() < 0.5 else (0, bar, SIDE, SIDE - bar)


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Of the smaller box the share that the other one covers."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    smaller = min(float(np.prod(box[2:] - box[:2])) for box in (one, other))
    return float(np.prod(np.maximum(sides, 0))) / smaller


def _plain(_photographs: Sequence[Pixels], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.ones((SIDE, SIDE, 3), np.float32) * rng.uniform(0, 255, 3).astype(np.float32)


def _gradient(_photographs: Sequence[Pixels], rng: np.random.Generator) -> NDArray[np.float32]:
    """From one colour to another, in any direction."""
    first, second = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = np.linspace(-0.5, 0.5, SIDE, dtype=np.float32)
    share = 0.5 + (np.sin(angle) * along[:, np.newaxis] + np.cos(angle) * along) / np.sqrt(2)
    return np.asarray(first + share[..., np.newaxis] * (second - first), np.float32)


def _noise(_photographs: Sequence[Pixels], rng: np.random.Generator) -> NDArray[np.float32]:
    """Blotches of any size."""
    cells = int(rng.integers(4, SIDE // 2))
    blotches = rng.uniform(0, 255, (cells, cells, 3)).astype(np.float32)
    field = cv2.resize(blotches, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    mean = rng.uniform(40, 215, 3).astype(np.float32)
    return np.asarray(mean + rng.uniform(0.1, 0.8) * (field - 127.5), np.float32)


def _photograph(photographs: Sequence[Pixels], rng: np.random.Generator) -> NDArray[np.float32]:
    """A square part of one, perhaps mirrored."""
    photograph = photographs[int(rng.integers(len(photographs)))]
    shorter = min(photograph.shape[:2])
    side = int(rng.integers(min(SIDE, shorter), shorter + 1))
    y, x = (int(rng.integers(length - side + 1)) for length in photograph.shape[:2])
    part = cv2.resize(photograph[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(part[:, ::-1] if rng.random() < 0.5 else part, np.float32)


BACKGROUNDS: Mapping[str, Callable[[Sequence[Pixels], np.random.Generator], NDArray[np.float32]]] = {
    "plain": _plain,
    "gradient": _gradient,
    "blotches": _noise,
    "photograph": _photograph,
}
"""By its kind what makes one, RGB `[128, 128, 3]`, 0…255."""
