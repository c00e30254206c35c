"""Both networks of garments: what goes in and out, and where they are opened for an explanation."""

from typing import Any

import numpy as np
import pytest

from models.catalog import CATALOG
from models.explanation import FeatureMaps
from training.config import load_config

SMALL: dict[str, dict[str, Any]] = {
    "fashion-vgg": {"filters": (4, 8), "repeats": (1, 2), "units": 16},
    "fashion-resnet": {"filters": (64, 64), "blocks": (1, 1), "strides": (1, 2)},
}


@pytest.mark.parametrize("name", SMALL)
def test_it_is_opened_where_its_maps_tell_a_place(name: str) -> None:
    spec = CATALOG[name]
    model = spec.build(load_config(spec).model_copy(update=SMALL[name]))
    pictures = np.random.default_rng(1).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)
    assert callable(spec.explain)
    opened = spec.explain(model)
    assert isinstance(opened, FeatureMaps)
    maps = opened.maps(pictures)
    assert 7 <= maps.shape[1] == maps.shape[2]
    assert maps.shape[0] == 3
    np.testing.assert_allclose(opened.logits(maps), model(pictures), rtol=1e-4, atol=1e-5)
    assert model.outputs[0].shape == (None, 10)
    assert model.inputs[0].dtype == "uint8"


@pytest.mark.parametrize("name", SMALL)
def test_the_presets_networks_have_the_size_they_are_told_to_have(name: str) -> None:
    """Of the millions that their cards tell."""
    spec = CATALOG[name]
    weights = spec.build(load_config(spec)).count_params()
    assert weights == {"fashion-vgg": 584_170, "fashion-resnet": 1_030_602}[name]
