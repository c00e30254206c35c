"""`wardrobe`'s network: what its candidates are before it has learnt anything."""

import numpy as np
import pytest

from models.fashion import LABELS
from models.wardrobe import CELL, SIDE, SPEC, WardrobeConfig, build
from training.config import load_config
from training.precision import multiplying_in

SMALL = ("filters=[4,4,8,8]", "blocks=[0,1,0,0]", "units=8")
CELLS = (SIDE // CELL) ** 2


def _config(*settings: str) -> WardrobeConfig:
    config = load_config(SPEC, None, settings)
    assert isinstance(config, WardrobeConfig)
    return config


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_each_cell_has_a_box_around_its_middle_and_hardly_a_score(precision: str) -> None:
    with multiplying_in(precision):  # type: ignore[arg-type]  # it is one of them
        model = build(_config(*SMALL))
    for layer in (model.get_layer("sides"), model.get_layer("scores")):
        layer.kernel.assign(np.zeros(layer.kernel.shape))
    picture = np.random.default_rng(1).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    found = np.asarray(model(picture))
    assert found.dtype == np.float32
    assert found.shape == (2, CELLS, 4 + len(LABELS))
    np.testing.assert_allclose(found[..., 4:], 0.01, rtol=1e-4)
    middles = (np.arange(SIDE // CELL) + 0.5) * CELL
    expected = [(y - 16, x - 16, y + 16, x + 16) for y in middles for x in middles]
    np.testing.assert_allclose(found[0, :, :4] * SIDE, expected, rtol=1e-5)


def test_the_presets_network_has_the_size_it_is_told_to_have() -> None:
    assert build(_config()).count_params() == 686_334


@pytest.mark.parametrize("setting", ["filters=[8,8,8]", "blocks=[1,1,1,-1]", "scenes=0", "most=0"])
def test_settings_that_do_not_fit_are_refused(setting: str) -> None:
    from training.errors import ConfigurationError

    with pytest.raises(ConfigurationError, match=setting.split("=", maxsplit=1)[0]):
        _config(setting)
