"""The entry `imagenet`: its labels, and where its network is opened."""

from typing import Any

import numpy as np
import pytest

from models.imagenet import LABELS, SPEC, ImagenetConfig, build, explain, processing
from processing.spec import ImageSpec, Resize
from training.config import load_config

# As ImageNet numbers them.
KNOWN = {
    0: "tench, Tinca tinca",
    134: "crane (bird)",
    281: "tabby, tabby cat",
    285: "Egyptian cat",
    517: "crane (machine)",
    967: "espresso",
    985: "daisy",
    999: "toilet tissue, toilet paper, bathroom tissue",
}


@pytest.fixture(scope="module")
def config() -> ImagenetConfig:
    loaded = load_config(SPEC)
    assert isinstance(loaded, ImagenetConfig)
    return loaded


@pytest.fixture(scope="module")
def model(config: ImagenetConfig) -> Any:
    return build(config)


def test_a_thousand_labels_stand_where_imagenet_has_them() -> None:
    assert len(set(LABELS)) == len(LABELS) == 1000
    assert {number: LABELS[number] for number in KNOWN} == KNOWN
    assert all(label == label.strip() != "" for label in LABELS)


def test_photographs_are_seen_as_its_authors_judged_it(config: ImagenetConfig) -> None:
    resize = Resize(crop=0.875, interpolation="bicubic")
    assert processing(config) == ImageSpec(form="photo", height=224, width=224, channels=3, resize=resize)


def test_the_network_is_as_large_as_published(model: Any) -> None:
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == 4_652_008
    assert model.inputs[0].dtype == "uint8"
    assert model.outputs[0].shape == (None, 1000)


def test_it_is_opened_where_its_answer_can_be_explained(model: Any) -> None:
    opened = explain(model)
    picture = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    maps = opened.maps(picture)
    assert maps.shape == (1, 7, 7, 1280)
    np.testing.assert_allclose(opened.logits(maps), model(picture, training=False), atol=1e-5)
