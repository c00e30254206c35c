"""A handful of photographs with known content, free to be passed on: of scikit-image, scikit-learn and matplotlib.

There is no labelled collection of photographs in any package that could be had; these are for checking that a
classifier of photographs works at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from training.data.archive import zip_member
from training.data.fetch import Package, fetch

PACKAGE = Package(
    kind="pypi-wheel",
    name="scikit-image",
    version="0.25.2",
    sha256="24cc986e1f4187a12aa319f777b36008764e856e5013666a4a83f8df083c2641",
    tag="cp311-cp311-manylinux2014_x86_64",
)


@dataclass(frozen=True)
class Photograph:
    """An encoded picture, and which of ImageNet's labels tell what is in it, the best first."""

    name: str
    body: bytes
    labels: tuple[str, ...]


_OF_SCIKIT_IMAGE: Mapping[str, tuple[str, ...]] = {
    "chelsea.png": ("tiger cat", "tabby, tabby cat", "Egyptian cat"),
    "coffee.png": ("espresso", "cup", "coffee mug"),
    "rocket.jpg": ("missile", "projectile, missile"),  # the label "space shuttle" is another thing
    "camera.png": ("tripod", "reflex camera"),
    "clock_motion.png": ("wall clock", "analog clock"),
}
_OF_SCIKIT_LEARN: Mapping[str, tuple[str, ...]] = {"china.jpg": ("palace",), "flower.jpg": ("daisy",)}
_OF_MATPLOTLIB: Mapping[str, tuple[str, ...]] = {"grace_hopper.jpg": ("military uniform",)}


def load(cache: Path) -> list[Photograph]:
    """Raises `TrainingError` when the package cannot be had."""
    return photographs(fetch(PACKAGE, cache))


def photographs(wheel: Path) -> list[Photograph]:
    """Those in a wheel of scikit-image, and in the packages that are installed."""
    sources: list[tuple[Mapping[str, tuple[str, ...]], Callable[[str], bytes]]] = [
        (_OF_SCIKIT_IMAGE, lambda name: zip_member(wheel, f"skimage/data/{name}")),
        (_OF_SCIKIT_LEARN, lambda name: (files("sklearn.datasets.images") / name).read_bytes()),
        (_OF_MATPLOTLIB, lambda name: (files("matplotlib") / "mpl-data" / "sample_data" / name).read_bytes()),
    ]
    return [
        Photograph(name.partition(".")[0], read(name), labels)
        for table, read in sources
        for name, labels in table.items()
    ]
