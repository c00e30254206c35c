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


def _photograph(name: str, *, coloured: bool) -> Photograph:
    """Nine squares of one colour each, or of one grey each."""
    colours = np.array([[255, 60 * n if coloured else 255, 255 if n < 5 or not coloured else 0] for n in range(9)])
    colours = colours if coloured else np.repeat(np.arange(9)[:, np.newaxis] * 28, 3, axis=1)
    cells = np.clip(colours, 0, 255).astype(np.uint8).reshape(3, 3, 3)
    buffer = BytesIO()
    Image.fromarray(cells).resize((90, 90), Image.Resampling.NEAREST).save(buffer, "PNG")
    return Photograph(name, buffer.getvalue(), ())


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
    return ImageEmbeddingsRecipe(config, [_photograph("greys", coloured=False)], _garments(), Path("unused"))


@pytest.fixture(scope="module")
def measured(recipe: ImageEmbeddingsRecipe) -> Measured:
    return recipe.evaluate(_network(), PROGRESS)


def test_right_is_a_copy_whose_nearest_is_its_piece(measured: Measured) -> None:
    """Of greys every copy but the mirrored and reduced ones would be, too: all of them keep a piece's mean."""
    evaluation = measured.evaluation
    assert not isinstance(evaluation, Classification)
    assert evaluation.rows == PIECES * len(COPIES)
    assert evaluation.accuracy == 1.0
    assert measured.held_out.truth.tolist() == list(range(PIECES)) * len(COPIES)
    assert evaluation.robustness.undisturbed.accuracy == 1.0
    brighter = [trial for trial in evaluation.robustness.trials if trial.disturbance == "brightness"]
    assert all(trial.accuracy < 0.5 for trial in brighter)  # it is another grey's then


def test_what_is_grey_is_no_colours_copy() -> None:
    config = load_config(SPEC)
    assert isinstance(config, ImageEmbeddingsConfig)
    recipe = ImageEmbeddingsRecipe(config, [_photograph("colours", coloured=True)], _garments(), Path("unused"))
    slices = {(of.by, of.value): of.accuracy for of in recipe.evaluate(_network(), PROGRESS).evaluation.slices}
    assert slices["copy", "mirrored"] == 1.0
    assert slices["copy", "grey"] < 0.5


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
    assert [example.name for example in examples] == [f"greys-{way.replace(' ', '-')}" for way in WAYS]
    assert inputs.shape == (len(WAYS), 224, 224, 3)
    assert {example.label for example in examples} == {""}
