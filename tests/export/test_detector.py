"""A detector as a version: what is where, chosen in the graph, for pictures as tensors and as they are."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.draft import draft
from export.errors import NoGoldensError
from models.example import Example
from processing.boxes import THRESHOLD
from processing.forms import form_of
from processing.image import decode
from store.golden import read_goldens
from store.layout import VersionDir
from store.manifest import Manifest
from tests.support import small_models
from tests.support.small_detector import CONFIG, EXAMPLES, FORM, MOST, Square, drawn, examples, trained


@pytest.fixture(scope="module")
def version() -> VersionDir:
    return VersionDir(small_models.exports() / "squares")


@pytest.fixture(scope="module")
def manifest(version: VersionDir) -> Manifest:
    return Manifest.read(version.manifest)


@pytest.fixture(scope="module")
def signatures(version: VersionDir) -> Any:
    import tensorflow as tf

    return tf.saved_model.load(str(version.path)).signatures


def _seen(body: bytes) -> Any:
    return form_of(FORM).tensor(decode(body, max_pixels=10**6))


def test_the_manifest_tells_its_outputs_and_what_was_checked(manifest: Manifest, version: VersionDir) -> None:
    for signature in ("serving_default", "raw"):
        outputs = manifest.signatures[signature].outputs
        assert {name: (of.dtype, of.shape) for name, of in outputs.items()} == {
            "boxes": ("float32", (-1, CONFIG.most, 4)),
            "scores": ("float32", (-1, CONFIG.most)),
            "classes": ("int32", (-1, CONFIG.most)),
            "count": ("int32", (-1,)),
        }
    assert manifest.labels == ("red", "blue")
    assert manifest.batching is not None
    assert manifest.batching.sizes == (2, 3, 4, 8)
    assert [parity.between for parity in manifest.parity] == [("training", "gateway"), ("gateway", "raw")]
    assert not version.twin.exists()


def test_goldens_are_answers_in_pixels_those_first_that_have_something(version: VersionDir, manifest: Manifest) -> None:
    goldens = {golden.name: golden for golden in read_goldens(version.golden)}
    assert len(goldens) == EXAMPLES + 1
    assert list(goldens)[-1] == "nothing"
    assert goldens["nothing"].expected == []
    assert manifest.goldens == {"red": 5, "blue": 5, "nothing": 1}
    expected: Any = goldens["square-3"].expected
    assert [(one["label"], one["box"]) for one in expected] == [
        ("blue", {"xmin": 24, "ymin": 8, "xmax": 32, "ymax": 16})
    ]


def test_pictures_of_a_batch_have_their_own_objects(signatures: Any) -> None:
    import tensorflow as tf

    bodies = [drawn(("red", 1, 0), ("blue", 6, 7)), drawn(), drawn(("blue", 0, 0))]
    for signature, given in (
        ("serving_default", {"image": tf.constant(np.stack([_seen(body) for body in bodies]))}),
        ("raw", {"image_bytes": tf.constant(bodies)}),
    ):
        found = {name: values.numpy() for name, values in signatures[signature](**given).items()}
        assert found["count"].tolist() == [2, 0, 1]
        assert found["classes"][0, :2].tolist() == [0, 1]
        assert found["scores"][0, 0] > found["scores"][0, 1] > found["scores"][0, 2] == 0
        np.testing.assert_allclose(found["boxes"][0, 0], [0, 1 / 8, 1 / 8, 2 / 8], atol=1e-6)  # ymin, xmin, ymax, xmax
        np.testing.assert_allclose(found["boxes"][2, 0], [0, 0, 1 / 8, 1 / 8], atol=1e-6)


LEVELS, CELLS = np.meshgrid(np.arange(256), np.arange(MOST.size), indexing="ij")
SCORES = LEVELS / 255 * MOST[CELLS]
"""Of a square, by how much less green and blue than red it is, and by its cell."""


def _square(label: str, place: int) -> Square:
    level, cell = int(LEVELS.flat[place]), int(CELLS.flat[place])
    colour = {"red": (255, 255 - level, 255 - level), "blue": (255 - level, 255 - level, 255)}[label]
    return f"rgb{colour}", cell % 8, cell // 8


def test_a_picture_of_which_rounding_could_change_the_answer_is_no_golden(tmp_path: Path) -> None:
    half, (some, *rest) = int(np.abs(SCORES - THRESHOLD).argmin()), np.abs(SCORES - 0.7).ravel().argsort().tolist()
    like = next(place for place in rest if CELLS.flat[place] != CELLS.flat[some])
    least = int(np.abs(SCORES - CONFIG.least_score).argmin())
    pictures = {
        "threshold": [_square("red", half)],
        "alike": [_square("red", some), _square("blue", like)],
        "least": [_square("red", some), _square("blue", least)],
        "clear": [_square("red", some), _square("blue", int(np.abs(SCORES - 0.4).argmin()))],
    }
    assert abs(SCORES.flat[some] - SCORES.flat[like]) < 1e-4
    given = [Example.of(name, "image/png", drawn(*squares), "red") for name, squares in pictures.items()]
    config = CONFIG.model_copy(update={"least_score": float(SCORES.flat[least]) - 5e-5})
    kept = draft(replace(trained(tmp_path, given), config=config)).goldens
    assert [checked.golden.name for checked in kept] == ["clear"]
    with pytest.raises(NoGoldensError):
        draft(replace(trained(tmp_path, given[:-1]), config=config))


def test_what_it_is_evaluated_by_needs_no_labels_of_a_classifier(tmp_path: Path) -> None:
    run = trained(tmp_path, examples()[:3])
    wrong = replace(run, metrics=[metric.model_copy(update={"rows": 10_000}) for metric in run.metrics])
    assert len(draft(wrong).goldens) == 3  # a classifier that is never right would be refused


def test_goldens_have_one_of_each_label_before_a_second_of_any(tmp_path: Path) -> None:
    reds = [
        Example.of(f"red-{place}", "image/png", drawn(("red", place % 8, place // 8)), "red") for place in range(13)
    ]
    blue = Example.of("blue", "image/png", drawn(("blue", 0, 0)), "blue")
    kept = [checked.golden.name for checked in draft(trained(tmp_path, [*reds, blue])).goldens]
    assert len(kept) == 12
    assert kept[:3] == ["red-0", "blue", "red-1"]
