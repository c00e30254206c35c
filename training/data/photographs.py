"""Photographs of which it is known what is in them, from packages that show how pictures are processed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from processing.boxes import Box
from processing.image import Pixels, decode
from training.data.archive import zip_member
from training.data.fetch import Package, fetch

PACKAGE = Package(
    kind="pypi-wheel",
    name="scikit-image",
    version="0.26.0",
    sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    platform="manylinux_2_28_x86_64",
)

_MAX_PIXELS = 2**20
_SCIKIT_LEARN = ("china.jpg", "flower.jpg")


@dataclass(frozen=True)
class Photograph:
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


def load(cache: Path) -> Sequence[Photograph]:
    """In an order in which things and nothing take turns."""
    wheel = fetch(PACKAGE, cache)
    found = [Photograph(name, _content(name, wheel), *(known or (None, None))) for name, known in _KNOWN.items()]
    half = len(found) // 2
    return [one for pair in zip(found[:half], found[half:], strict=True) for one in pair]


def _content(name: str, wheel: Path) -> bytes:
    if name in _SCIKIT_LEARN:
        return files("sklearn.datasets").joinpath("images", name).read_bytes()
    return zip_member(wheel, f"skimage/data/{name}")
