"""The weights of three networks of faces, as they were published for TensorFlow.js."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from training.data import centernet
from training.data.archive import tar_members
from training.data.fetch import Package, fetch
from training.data.tfjs import read_tfjs

DETECTOR_PACKAGE = centernet.PACKAGE  # has this one, too
FACE_API = Package(
    kind="npm",
    name="@vladmandic/face-api",
    version="1.7.15",
    sha256="0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031",
)

Weights = Mapping[str, NDArray[Any]]


class FaceWeights(NamedTuple):
    """By the names under which they were published."""

    detector: Weights
    landmarks: Weights
    embedding: Weights


def load(cache: Path) -> FaceWeights:
    return FaceWeights(
        _read(fetch(DETECTOR_PACKAGE, cache), "package/models/faceboxes.json", "package/models/faceboxes.bin"),
        *(
            _read(fetch(FACE_API, cache), f"{model}-weights_manifest.json", f"{model}.bin")
            for model in ("package/model/face_landmark_68_model", "package/model/face_recognition_model")
        ),
    )


def _read(package: Path, model: str, shards: str) -> Weights:
    members = tar_members(package.read_bytes(), [model, shards])
    return read_tfjs(members[model], members[shards])
