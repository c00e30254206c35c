"""The speech embedding and its mel spectrogram: weights as openWakeWord has them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from training.data.archive import zip_member
from training.data.fetch import Package, fetch
from training.data.onnx import read_onnx

PACKAGE = Package(
    kind="pypi-wheel",
    name="openwakeword",
    version="0.4.0",
    sha256="2c353f49a35d384507403efde3db439353d8281a52d08a0e42a5b493e5145075",
)

_FOLDER = "openwakeword/resources/models"


Weights = Mapping[str, NDArray[Any]]


class SpeechWeights(NamedTuple):
    """By the names in their two files."""

    spectrogram: Weights
    embedding: Weights


def load(cache: Path) -> SpeechWeights:
    wheel = fetch(PACKAGE, cache)
    return SpeechWeights(
        *(read_onnx(zip_member(wheel, f"{_FOLDER}/{name}.onnx")) for name in ("melspectrogram", "embedding_model"))
    )
