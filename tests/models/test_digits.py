"""The network of `digits`."""

import numpy as np

from models.digits import SPEC, DigitsConfig, build, explain
from training.config import load_config


def _config() -> DigitsConfig:
    config = load_config(SPEC)
    assert isinstance(config, DigitsConfig)
    return config


def test_it_is_the_two_convolution_network() -> None:
    layers = [(type(layer).__name__, layer.output.shape[1:]) for layer in build(_config()).layers]
    assert [shape for kind, shape in layers if kind != "Dropout"] == [
        (28, 28, 1),
        (26, 26, 32),
        (13, 13, 32),
        (11, 11, 64),
        (5, 5, 64),
        (1600,),
        (64,),
        (10,),
    ]


def test_bytes_are_normalised_in_the_graph() -> None:
    model = build(_config())
    picture = np.random.default_rng(1).integers(0, 256, (2, 28, 28, 1), np.uint8)
    normalised = model.get_layer("normalise")(picture)
    assert model.inputs[0].dtype == "uint8"
    np.testing.assert_allclose(normalised, picture / 255, rtol=1e-6)


def test_its_feature_maps_lie_where_the_margin_says() -> None:
    """Each pixel of a map is in the middle of the pixels of the input that change it."""
    model = build(_config())
    opened = explain(model)
    noise = np.random.default_rng(1).integers(0, 256, (1, 28, 28, 1), np.uint8)
    columns = np.repeat(noise, 28, axis=0)
    for column in range(28):
        columns[column, :, column] += 128  # it wraps round
    change = np.abs(np.asarray(opened.maps(columns)) - np.asarray(opened.maps(noise)))
    seen = change.max(axis=(1, 3)) > 1e-4  # by column of the input, and of the maps
    size = (28 - 2 * opened.margin) / seen.shape[1]
    for place, changing in enumerate(seen.T):
        changed = np.flatnonzero(changing)
        assert (changed.min() + changed.max() + 1) / 2 == opened.margin + (place + 0.5) * size
