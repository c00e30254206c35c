"""Photographs of known content, out of the packages that have them."""

import zipfile
from pathlib import Path

import pytest

from models.imagenet import LABELS
from processing.image import decode
from tests.support.small_models import picture
from training.data.photographs import photographs
from training.errors import DataError

OF_SCIKIT_IMAGE = ("chelsea.png", "coffee.png", "rocket.jpg", "camera.png", "clock_motion.png")


def _wheel(path: Path, names: tuple[str, ...]) -> Path:
    with zipfile.ZipFile(path, "w") as wheel:
        for name in names:
            wheel.writestr(f"skimage/data/{name}", picture(encoding="PNG" if name.endswith("png") else "JPEG"))
    return path


def test_every_photograph_can_be_seen_and_has_labels_of_imagenet(tmp_path: Path) -> None:
    found = photographs(_wheel(tmp_path / "wheel", OF_SCIKIT_IMAGE))
    names = [photo.name for photo in found]
    assert names == ["chelsea", "coffee", "rocket", "camera", "clock_motion", "china", "flower", "grace_hopper"]
    for photo in found:
        assert decode(photo.body, max_pixels=10**6).shape[2] == 3
        assert photo.labels
        assert set(photo.labels) <= set(LABELS)


def test_another_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no skimage/data/coffee\.png"):
        photographs(_wheel(tmp_path / "wheel", OF_SCIKIT_IMAGE[:1]))
