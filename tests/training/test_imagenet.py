"""The recipe of `imagenet`: how its evaluation counts, with a network whose answers are known."""

import json
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kmaas.progress import PlainProgress
from models.example import Example
from models.imagenet import LABELS, SPEC, ImagenetConfig
from processing.request import preprocessing
from store.evaluation import Evaluation, parse_evaluation
from training.config import load_config
from training.data.photographs import Photograph
from training.evaluation import Measured
from training.imagenet import ImagenetRecipe
from training.sent_pictures import WAYS

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
RED_THINGS, GREEN_THINGS, OTHER = ("daisy", "bee"), ("espresso",), "tripod"


def _photograph(name: str, colour: str, labels: tuple[str, ...]) -> Photograph:
    buffer = BytesIO()
    Image.new("RGB", (90, 60), colour).save(buffer, "PNG")
    return Photograph(name, buffer.getvalue(), labels)


PHOTOS = [
    _photograph("red", "red", RED_THINGS),
    _photograph("green", "lime", GREEN_THINGS),
    _photograph("blue", "blue", (OTHER,)),
]


def _network() -> Any:
    """What is red is a bee, what is green and blue is an espresso; a tripod is second, if there is blue."""
    import keras

    image = keras.Input((224, 224, 3), dtype="uint8", name="image")
    colour = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    weights = np.zeros((3, len(LABELS)), np.float32)
    weights[0, LABELS.index("bee")] = weights[1:, LABELS.index("espresso")] = 9
    weights[2, LABELS.index(OTHER)] = 8
    model = keras.Model(image, keras.layers.Dense(len(LABELS), use_bias=False, name="logits")(colour))
    model.get_layer("logits").set_weights([weights])
    return model


@pytest.fixture(scope="module")
def recipe() -> ImagenetRecipe:
    config = load_config(SPEC)
    assert isinstance(config, ImagenetConfig)
    return ImagenetRecipe(config, PHOTOS, Path("unused"))


@pytest.fixture(scope="module")
def measured(recipe: ImagenetRecipe) -> Measured:
    return recipe.evaluate(_network(), PROGRESS)


def test_right_is_any_label_that_tells_what_is_there(measured: Measured) -> None:
    of = measured.evaluation
    assert of.rows == 3
    assert of.accuracy == pytest.approx(2 / 3)
    figures = {metric.name: metric.value for metric in of.metrics}
    assert figures == {"accuracy": pytest.approx(2 / 3), "accuracy of five": 1.0}
    assert measured.held_out.right.tolist() == [True, True, False]
    assert LABELS[measured.held_out.truth[0]] == "bee"
    assert [LABELS[label] for label in measured.held_out.predicted] == ["bee", "espresso", "espresso"]


def test_ways_and_photographs_are_told_by_themselves(measured: Measured) -> None:
    slices = {(of.by, of.value): (of.rows, of.accuracy) for of in measured.evaluation.slices}
    assert [value for by, value in slices if by == "sent"] == list(WAYS)
    assert slices["sent", "small"] == (3, 2 / 3)
    assert slices["sent", "grey"][1] < 0.5  # which all three colours are, and so it is an espresso
    assert slices["photograph", "blue"] == (len(WAYS), 0.0)


def test_disturbed_photographs_are_counted_likewise(measured: Measured) -> None:
    robust = measured.evaluation.robustness
    assert robust.undisturbed.rows == 3
    assert robust.undisturbed.accuracy == pytest.approx(2 / 3)
    turned = next(trial for trial in robust.trials if (trial.disturbance, trial.strength) == ("rotation", "10°"))
    assert turned.accuracy == pytest.approx(2 / 3)


def test_the_evaluation_is_read_back_as_it_was(measured: Measured) -> None:
    """Not label by label: of a thousand there are three."""
    document = measured.evaluation.model_dump_json().encode()
    assert type(parse_evaluation(document)) is Evaluation
    assert parse_evaluation(document) == measured.evaluation
    assert json.loads(document)["by_label"] is False


def test_examples_are_every_photograph_in_every_way(recipe: ImagenetRecipe) -> None:
    examples, inputs = recipe.examples()
    assert [example.name for example in examples[: len(WAYS)]] == [f"red-{way.replace(' ', '-')}" for way in WAYS]
    assert [example.label for example in examples] == [label for label in ("daisy", "espresso", OTHER) for _ in WAYS]
    assert inputs.shape == (3 * len(WAYS), 224, 224, 3)
    of_gateway = preprocessing(SPEC.processing(load_config(SPEC)), None)

    def apart(example: Example, row: Any) -> float:
        return float(np.abs(of_gateway(example.body)[0].astype(int) - row).max())

    assert max(apart(example, row) for example, row in zip(examples, inputs, strict=True)) <= 3


def test_fewer_rows_are_fewer_photographs() -> None:
    config = load_config(SPEC, None, ["rows=1"])
    assert isinstance(config, ImagenetConfig)
    recipe = ImagenetRecipe(config, PHOTOS, Path("unused"))
    assert recipe.facts.held_out_rows == 1
    assert len(recipe.held_out()[1]) == len(WAYS)
