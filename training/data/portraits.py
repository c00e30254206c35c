"""Photographs whose faces are counted, and some of whose persons are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from processing.image import Pixels, decode
from training.data import photographs
from training.data.archive import tar_members, zip_member
from training.data.face_networks import FACE_API
from training.data.fetch import Package, fetch

FACE_RECOGNITION = Package(
    kind="pypi-sdist",
    name="face_recognition",
    version="1.3.0",
    sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
)
PACKAGES = (FACE_API, FACE_RECOGNITION, photographs.PACKAGE)

_MAX_PIXELS = 2**23


@dataclass(frozen=True)
class Portrait:
    """`faces` are as many as a person counts. `person` is who it is of, where it is of one; `free` to be passed on."""

    name: str
    content: bytes
    faces: int
    person: str | None = None
    free: bool = False

    @cached_property
    def pixels(self) -> Pixels:
        return decode(self.content, max_pixels=_MAX_PIXELS)


_NAMED = {
    "obama.jpg": "Barack Obama",
    "obama2.jpg": "Barack Obama",
    "obama3.jpg": "Barack Obama",
    "obama_partial_face.jpg": "Barack Obama",
    "obama_partial_face2.jpg": "Barack Obama",
    "biden.jpg": "Joe Biden",
}
_GROUPS = {"sample1.jpg": 3, "sample2.jpg": 3, "sample3.jpg": 3, "sample4.jpg": 4, "sample5.jpg": 5, "sample6.jpg": 4}
_WITHOUT = ("coffee.png", "chelsea.png", "motorcycle_left.png", "rocket.jpg", "horse.png", "gravel.png", "moon.png",
            "brick.png", "clock_motion.png")  # fmt: skip


def load(cache: Path) -> Sequence[Portrait]:
    """Those that are free first, with a face and without in turns."""
    wheel = fetch(photographs.PACKAGE, cache)
    astronaut = zip_member(wheel, "skimage/data/astronaut.png")
    hopper = (files("matplotlib") / "mpl-data" / "sample_data" / "grace_hopper.jpg").read_bytes()
    without = [Portrait(name, zip_member(wheel, f"skimage/data/{name}"), 0, free=True) for name in _WITHOUT]
    free = [
        Portrait("astronaut.png", astronaut, 1, "Eileen Collins", free=True),
        without[0],
        Portrait("grace_hopper.jpg", hopper, 1, "Grace Hopper", free=True),
        *without[1:],
    ]
    named = _members(fetch(FACE_RECOGNITION, cache), "face_recognition-1.3.0/tests/test_images", list(_NAMED))
    groups = _members(fetch(FACE_API, cache), "package/demo", list(_GROUPS))
    return [
        *free,
        *(Portrait(name, named[name], 1, person) for name, person in _NAMED.items()),
        *(Portrait(name, groups[name], faces) for name, faces in _GROUPS.items()),
    ]


def _members(package: Path, folder: str, names: Sequence[str]) -> dict[str, bytes]:
    found = tar_members(package.read_bytes(), [f"{folder}/{name}" for name in names])
    return {name: found[f"{folder}/{name}"] for name in names}
