"""The recipe of `image-embeddings`: how its evaluation counts, with a network whose answers are known."""

import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kmaas.progress import PlainProgress
from models.image_embeddings import SPEC, ImageEmbeddingsConfig
from store.evaluation import Classification
from training.config import load_config
from training.data.idx import Labelled
from training.data.photographs import Photograph
from training.evaluation import Measured
from training.image_embeddings import COPIES, ImageEmbeddingsRecipe
from training.sent_pictures import WAYS

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
PIECES = 9


def _photograph() -> Photograph:
    """Nine squares, from red to yellow."""
    cells = np.array([(255, 28 * number, 0) for number in range(PIECES)], np.uint8).reshape(3, 3, 3)
    buffer = BytesIO()
    Image.fromarray(cells).resize((90, 90), Image.Resampling.NEAREST).save(buffer, "PNG")
    return Photograph("sunset", buffer.getvalue(), ())


def _garments() -> Labelled:
    """The first half of the kept ones is dark and of kind 1, the second bright and of kind 2; so are those asked for,
    but for one."""
    kept = np.repeat(np.array([20, 200], np.uint8), 12)[:, np.newaxis, np.newaxis] * np.ones((1, 28, 28), np.uint8)
    asked = kept[[0, 1, 12, 13]]
    labels = np.repeat(np.array([1, 2], np.uint8), 12)
    return Labelled("made up", kept, labels, asked, np.array([1, 1, 2, 1], np.uint8))


def _network() -> Any:
    """How red, green and blue a picture is on average, and one: at length 1, as the vector."""
    import keras

    image = keras.Input((224, 224, 3), dtype="uint8", name="image")
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    apart = keras.ops.concatenate([mean, keras.ops.ones_like(mean[:, :1])], axis=1)
    return keras.Model(image, keras.ops.normalize(apart, axis=-1))


@pytest.fixture(scope="module")
def recipe() -> ImageEmbeddingsRecipe:
    config = load_config(SPEC)
    assert isinstance(config, ImageEmbeddingsConfig)
    return ImageEmbeddingsRecipe(config, [_photograph()], _garments(), Path("unused"))


@pytest.fixture(scope="module")
def measured(recipe: ImageEmbeddingsRecipe) -> Measured:
    return recipe.evaluate(_network(), PROGRESS)


def test_right_is_a_copy_whose_nearest_is_its_piece(measured: Measured) -> None:
    """The network knows the mean colour alone: all copies have it but the grey ones."""
    evaluation = measured.evaluation
    assert not isinstance(evaluation, Classification)
    assert evaluation.rows == PIECES * len(COPIES)
    slices = {(of.by, of.value): of.accuracy for of in evaluation.slices}
    assert {value: right for (by, value), right in slices.items() if by == "copy" and value != "grey"} == {
        value: 1.0 for value in COPIES if value != "grey"
    }
    assert slices["copy", "grey"] < 0.5
    assert slices["photograph", "sunset"] == evaluation.accuracy == measured.held_out.right.mean()
    assert measured.held_out.truth.tolist() == list(range(PIECES)) * len(COPIES)


def test_disturbed_pieces_are_looked_for_likewise(measured: Measured) -> None:
    robust = measured.evaluation.robustness
    assert (robust.undisturbed.rows, robust.undisturbed.accuracy) == (PIECES, 1.0)
    trials = {(trial.disturbance, trial.strength): trial.accuracy for trial in robust.trials}
    assert trials["rotation", "10°"] == 1.0
    assert trials["brightness", "+180"] < 1.0  # another colour


def test_garments_have_the_kind_of_their_nearest(measured: Measured) -> None:
    figures = {metric.name: metric.value for metric in measured.evaluation.metrics}
    assert figures["kind of the nearest garment"] == 0.75
    assert figures["kinds of the ten nearest garments"] == 0.75
    assert figures["found among 10"] == 1.0
    references = {metric.name for metric in measured.evaluation.references}
    assert references == {
        "thumbnails of 16×16 pixels",
        "pixels of the nearest garment",
        "pixels of the ten nearest garments",
    }


def test_examples_are_every_photograph_in_every_way(recipe: ImageEmbeddingsRecipe) -> None:
    examples, inputs = recipe.examples()
    assert [example.name for example in examples] == [f"sunset-{way.replace(' ', '-')}" for way in WAYS]
    assert inputs.shape == (len(WAYS), 224, 224, 3)
    assert {example.label for example in examples} == {""}
