"""A model of faces as a version: boxes, landmarks and vectors by signatures of one SavedModel."""

from typing import Any

import numpy as np
import pytest

from processing.face_chip import aligned_chip, square_around, square_chip
from store.golden import read_goldens
from store.layout import VersionDir
from store.manifest import Manifest
from tests.support import small_models
from tests.support.small_faces import ALIGNED, POINTS, SOUGHT, WIDTH
from wire import messages
from wire.records import read_records
from wire.tensors import from_proto


@pytest.fixture(scope="module")
def version() -> VersionDir:
    return VersionDir(small_models.exports() / "faces")


@pytest.fixture(scope="module")
def recorded(version: VersionDir) -> dict[str, list[Any]]:
    """Inputs and outputs by the signature."""
    found: dict[str, list[Any]] = {}
    for data in read_records(version.warm_up):
        log = messages.PredictionLog.FromString(data).predict_log
        sides = (log.request.inputs, log.response.outputs)
        tensors = [{alias: from_proto(proto) for alias, proto in side.items()} for side in sides]
        found.setdefault(log.request.model_spec.signature_name, []).append(tensors)
    return found


def test_the_manifest_tells_all_networks(version: VersionDir) -> None:
    manifest = Manifest.read(version.manifest)
    assert {"serving_default", "raw", "landmarks", "embed"} <= manifest.signatures.keys()
    shapes = {
        name: [(of.dtype, of.shape) for side in (spec.inputs, spec.outputs) for of in side.values()]
        for name, spec in manifest.signatures.items()
    }
    assert shapes["landmarks"] == [("uint8", (-1, SOUGHT, SOUGHT, 3)), ("float32", (-1, 5, 2))]
    assert shapes["embed"] == [("uint8", (-1, ALIGNED, ALIGNED, 3)), ("float32", (-1, WIDTH))]
    assert manifest.labels == ("face",)
    assert manifest.goldens == {"face": 4, "nothing": 1}


def test_chips_of_the_goldens_are_recorded_as_the_gateway_cuts_them(
    version: VersionDir, recorded: dict[str, list[Any]]
) -> None:
    """So that a model server proves all networks before it serves the version."""
    from processing.boxes import Box
    from processing.image import decode

    assert [len(recorded[signature]) for signature in ("landmarks", "embed")] == [4, 4]
    goldens = [golden for golden in read_goldens(version.golden) if golden.expected]
    for golden, landmarks, embed in zip(goldens, recorded["landmarks"], recorded["embed"], strict=True):
        expected: Any = golden.expected
        picture = decode(golden.body, max_pixels=10**6)
        square = square_around(Box(**expected[0]["box"]))
        np.testing.assert_array_equal(landmarks[0]["chip"][0], square_chip(picture, square, SOUGHT))
        np.testing.assert_allclose(landmarks[1]["landmarks"][0], POINTS, atol=1e-6)
        chip = aligned_chip(picture, POINTS.astype(float) * square.side + (square.left, square.top), ALIGNED)
        np.testing.assert_array_equal(embed[0]["chip"][0], chip)
        np.testing.assert_allclose(embed[1]["embedding"][0], chip.mean(axis=(0, 1)) / 32, atol=1e-4)
