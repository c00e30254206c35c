"""Three networks in one model."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from models.face_embedding import EmbeddingSize
from models.face_landmarks import LandmarksSize
from models.faceboxes import FaceBoxesSize
from models.faces import SPEC, joined, networks_of

SIZES = (
    FaceBoxesSize(side=128, stem=(2, 2), width=4, narrow=1, deep=2),
    LandmarksSize(side=16, widths=(1, 1, 1, 1)),
    EmbeddingSize(side=46, stages=((2, 1), (3, 1)), width=4),
)


def _answers(model: Any) -> list[Any]:
    rng = np.random.default_rng(0)
    sides = (128, 16, 46)
    return [
        np.asarray(network(rng.integers(0, 256, (1, side, side, 3), dtype=np.uint8)))
        for network, side in zip(networks_of(model), sides, strict=True)
    ]


def test_a_file_of_weights_has_those_of_all_three(tmp_path: Path) -> None:
    model, other = joined(*SIZES), joined(*SIZES)
    assert len(model.variables) == sum(len(network.variables) for network in networks_of(model))
    before = _answers(model)
    assert not any(np.array_equal(one, two) for one, two in zip(before, _answers(other), strict=True))
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # Keras calls numpy in an old way
        model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    for one, two in zip(before, _answers(other), strict=True):
        np.testing.assert_array_equal(one, two)


def test_what_is_not_known_is_told() -> None:
    told = " ".join(SPEC.limits)
    for what in ("four known persons", "not measured here", "GDPR", "photograph of a person counts as the person"):
        assert what in told
