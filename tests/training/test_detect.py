"""The recipe of `detect`: how its evaluation counts, with networks whose answers are known."""

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kmaas.progress import PlainProgress
from models.detect import COCO, SPEC, DetectConfig, processing
from processing.boxes import Box
from processing.request import preprocessing
from training.config import load_config
from training.data.scenes import Scene
from training.detect import DetectRecipe

PROGRESS = PlainProgress(lambda _: None, time.monotonic)
SIDE = 512
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "grey": (90, 90, 90)}
Told = Mapping[str, list[tuple[str, float, tuple[float, float, float, float]]]]
"""By the colour of a picture what is told of it: labels, scores, boxes in pixels of the model's square."""


def _scene(colour: str, label: str | None = None, box: Box | None = None) -> Scene:
    buffer = io.BytesIO()
    Image.new("RGB", (200, 100), COLOURS[colour]).save(buffer, "PNG")  # 512 × 256 in the square, from 128 on
    return Scene(f"{colour}.png", buffer.getvalue(), label, box)


SCENES = [
    _scene("red", "cat", Box(0, 0, 100, 100)),
    _scene("green", "dog", Box(0, 0, 200, 50)),
    _scene("blue"),
    _scene("grey"),
]


def _network(told: Told) -> Any:
    """Knows a picture by the colour in its middle."""
    import keras
    from keras import ops

    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    middle = ops.cast(image, "float32")[:, SIDE // 2, SIDE // 2]
    total = ops.zeros_like(middle[:, :1, None])
    for colour, things in told.items():
        rows = np.zeros((1, 3, 4 + len(COCO)), np.float32)
        for row, (label, score, (xmin, ymin, xmax, ymax)) in enumerate(things):
            rows[0, row, :4] = np.array([ymin, xmin, ymax, xmax]) / SIDE
            rows[0, row, 4 + COCO.index(label)] = score
        apart = ops.max(ops.abs(middle - np.array(COLOURS[colour], np.float32)), axis=-1)
        total = total + ops.cast(apart < 40, "float32")[:, None, None] * rows
    return keras.Model(image, total)


def _recipe(*settings: str) -> DetectRecipe:
    config = load_config(SPEC, None, settings)
    assert isinstance(config, DetectConfig)
    return DetectRecipe(config, SCENES, Path("unused"))


def test_a_photograph_is_told_rightly_by_what_stands_out_and_things_are_found_where_they_are() -> None:
    told: Told = {
        "red": [("cat", 0.6, (0, 128, 256, 384)), ("dog", 0.4, (0, 128, 512, 384))],
        "green": [("cat", 0.55, (0, 128, 512, 256)), ("dog", 0.35, (0, 120, 512, 262))],
        "blue": [("dog", 0.45, (0, 128, 512, 384))],
    }
    measured = _recipe().evaluate(_network(told), PROGRESS)
    evaluation = measured.evaluation
    nothing = len(COCO)
    assert measured.held_out.truth.tolist() == [COCO.index("cat"), COCO.index("dog"), nothing, nothing]
    assert measured.held_out.predicted.tolist() == [COCO.index("cat"), COCO.index("cat"), nothing, nothing]
    assert not evaluation.labels
    assert {metric.name: (metric.value, metric.rows) for metric in evaluation.metrics} == {
        "accuracy": (0.75, 4),
        "recall at threshold 0.5": (0.5, 2),
        "recall at threshold 0.3": (1.0, 2),
        "nothing told at threshold 0.5": (1.0, 2),
        "nothing told at threshold 0.3": (0.5, 2),
    }
    assert [(one.name, one.value) for one in evaluation.references] == [("always “nothing”", 0.5)]
    assert evaluation.robustness.undisturbed.accuracy == 0.75
    assert {(of.value, of.accuracy) for of in evaluation.slices} == {("there", 0.5), ("nothing known", 1.0)}


def test_a_box_elsewhere_is_not_found() -> None:
    told: Told = {"red": [("cat", 0.9, (256, 128, 512, 384))], "green": [("dog", 0.9, (0, 128, 512, 192))]}
    [_, recall, *_] = _recipe().evaluate(_network(told), PROGRESS).evaluation.metrics
    assert (recall.name, recall.value) == ("recall at threshold 0.5", 0.5)  # half of the dog is enough


def test_examples_are_views_of_each_photograph_as_the_gateway_reads_them() -> None:
    recipe = _recipe()
    examples, inputs = recipe.examples()
    assert len(examples) == len(inputs) == 6 * len(SCENES)
    assert [example.label for example in examples[:4]] == ["cat", "dog", "nothing", "nothing"]
    assert {example.media_type for example in examples} == {"image/jpeg", "image/png"}
    assert len({example.name for example in examples}) == len(examples)
    read = preprocessing(processing(load_config(SPEC)), None)  # type: ignore[arg-type]  # it is a DetectConfig
    for example, expected in zip(examples, inputs, strict=True):
        assert np.abs(read(example.body)[0].astype(int) - expected).max() <= 8


def test_rows_are_thinned_for_trials() -> None:
    recipe = _recipe("rows=2")
    assert recipe.facts.held_out_rows == 2
    inputs, truth = recipe.held_out()
    assert inputs.shape == (2, SIDE, SIDE, 3)
    assert truth.tolist() == [COCO.index("cat"), COCO.index("dog")]


@pytest.mark.parametrize("setting", ["most=0", "least_score=1", "iou_threshold=0"])
def test_what_chooses_among_boxes_has_its_limits(setting: str) -> None:
    from training.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match=setting.split("=", maxsplit=1)[0]):
        load_config(SPEC, None, [setting])
