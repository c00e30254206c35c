"""SSD on MobileNetV2: a picture to candidates, some boxes of different shapes around each place of six grids.

Each of these boxes is moved and sized by what the network tells (W. Liu et al.: SSD, 2016). The layers and their names
are those of ssd_mobilenet_v2_coco of TensorFlow's object detection models, as its weights were published.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.weights import Place, fill

if TYPE_CHECKING:
    import keras

_EPSILON = 1e-3  # of batch normalisation
_ROOT = "FeatureExtractor.MobilenetV2"
_LEAST, _MOST = 0.2, 0.95  # of the picture's side: the boxes of the second grid and of the last
_SHAPES = (1.0, 2.0, 0.5, 3.0, 0.3333)  # width over height
_PER_PLACE, _PER_SIDE = 10.0, 5.0  # what is one in the numbers that are learnt


@dataclass(frozen=True)
class Group:
    """Inverted bottlenecks alike: each expands `expanded` times, the first has `stride`."""

    repeats: int
    expanded: int
    stride: int
    out: int


@dataclass(frozen=True)
class SsdSize:
    """`columns` of what is told of each box stand for the labels, of so many that were `known` and one for none.

    A picture has `side` × `side` pixels. The first grid is of what the first block of the group `fine` is expanded to,
    the second of the `last` layer, each further one of half as many places each way and so many channels as `extra`.
    """

    side: int
    known: int
    columns: tuple[int, ...]
    stem: int
    groups: tuple[Group, ...]
    fine: int
    last: int
    extra: tuple[int, ...]


MOBILENET_V2: tuple[Group, ...] = (
    Group(1, 1, 1, 16),
    Group(2, 6, 2, 24),
    Group(3, 6, 2, 32),
    Group(4, 6, 2, 64),
    Group(3, 6, 1, 96),
    Group(3, 6, 2, 160),
    Group(1, 6, 1, 320),
)


def ssd_mobilenet(size: SsdSize) -> "keras.Model":
    """uint8 RGB `[batch, side, side, 3]` to candidates, float `[batch, boxes, 4 + labels]`, see `models.detection`."""
    import keras
    from keras import layers, ops

    image = keras.Input((size.side, size.side, 3), dtype="uint8", name="image")
    grids = _grids(layers.Rescaling(2 / 255, offset=-1.0, name="normalise")(image), size)
    told, priors = [], []
    for number, (grid, boxes) in enumerate(zip(grids, _prior_sides(len(grids)), strict=True)):
        moves = _predicted(grid, len(boxes), 4, f"BoxPredictor_{number}.BoxEncodingPredictor")
        scores = _predicted(grid, len(boxes), size.known + 1, f"BoxPredictor_{number}.ClassPredictor")
        told.append(ops.concatenate([moves, ops.take(scores, size.columns, axis=-1)], axis=-1))
        priors.append(_priors(grid.shape[1], boxes))
    every = ops.concatenate(told, axis=1)
    found = [_moved(every[..., :4], np.concatenate(priors)), ops.sigmoid(every[..., 4:])]
    return keras.Model(image, ops.concatenate(found, axis=-1), name="ssd_mobilenet")


def fill_ssd_mobilenet(model: "keras.Model", weights: Mapping[str, NDArray[Any]]) -> None:
    """Gives a model that `ssd_mobilenet` made all its weights, by the names under which they were published.

    Raises:
        UnfitWeightsError: one is missing or of another shape, or there is one that has no place in the model.
    """
    import keras

    places: dict[str, Place] = {}
    for layer in model.layers:
        kernel = "depthwise_weights" if isinstance(layer, keras.layers.DepthwiseConv2D) else "weights"
        leaves = {"kernel": kernel, "bias": "biases"}
        for variable in layer.weights:
            places[f"{layer.name.replace('.', '/')}/{leaves.get(variable.name, variable.name)}"] = Place(variable)
    fill(places, weights)


def _grids(x: Any, size: SsdSize) -> list[Any]:
    """From fine to coarse, each float `[batch, places, places, channels]`."""
    x = _convolved(x, size.stem, "Conv", kernel=3, stride=2)
    grids, number = [], 0
    for at, group in enumerate(size.groups):
        for block in range(group.repeats):
            name = f"expanded_conv_{number}" if number else "expanded_conv"
            expanded, x = _bottleneck(x, group, group.stride if block == 0 else 1, name)
            if (at, block) == (size.fine, 0):
                grids.append(expanded)
            number += 1
    grids.append(_convolved(x, size.last, "Conv_1"))
    for number, channels in enumerate(size.extra, start=2):
        x = _convolved(grids[-1], channels // 2, f"layer_19_1_Conv2d_{number}_1x1_{channels // 2}")
        name = f"layer_19_2_Conv2d_{number}_3x3_s2_{channels}"
        grids.append(_convolved(_filtered(x, 2, f"{name}_depthwise"), channels, name))
    return grids


def _bottleneck(x: Any, group: Group, stride: int, name: str) -> tuple[Any, Any]:
    """What it is expanded to, and what comes out."""
    channels = x.shape[-1]
    expanded = x if group.expanded == 1 else _convolved(x, channels * group.expanded, f"{name}.expand")
    y = _filtered(expanded, stride, f"{name}.depthwise")
    y = _convolved(y, group.out, f"{name}.project", bounded=False)
    return expanded, x + y if stride == 1 and channels == group.out else y


def _convolved(x: Any, channels: int, name: str, *, kernel: int = 1, stride: int = 1, bounded: bool = True) -> Any:
    from keras import layers

    layer = layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False, name=f"{_ROOT}.{name}")
    return _normed(layer(x), name, bounded=bounded)


def _filtered(x: Any, stride: int, name: str) -> Any:
    from keras import layers

    layer = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False, name=f"{_ROOT}.{name}")
    return _normed(layer(x), name, bounded=True)


def _normed(x: Any, name: str, *, bounded: bool) -> Any:
    from keras import layers, ops

    x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{_ROOT}.{name}.BatchNorm")(x)
    return ops.relu6(x) if bounded else x


def _predicted(grid: Any, boxes: int, numbers: int, name: str) -> Any:
    """So many numbers of each box at each place: float `[batch, places² · boxes, numbers]`."""
    from keras import layers, ops

    told = layers.Conv2D(boxes * numbers, 3, padding="same", name=name)(grid)
    return ops.reshape(told, (-1, grid.shape[1] * grid.shape[2] * boxes, numbers))


def _prior_sides(grids: int) -> Iterator[NDArray[np.float32]]:
    """For each grid the height and width of its boxes, `[boxes, 2]` in units of the picture's side."""
    scales = [*(_LEAST + (_MOST - _LEAST) * at / (grids - 1) for at in range(grids)), 1.0]
    for at, (scale, larger) in enumerate(pairwise(scales)):
        shaped = [(scale, shape) for shape in _SHAPES] + [(np.sqrt(scale * larger), 1.0)]
        if at == 0:  # fewer where there are most places
            shaped = [(_LEAST / 2, 1.0), (scale, 2.0), (scale, 0.5)]
        yield np.array([(of / np.sqrt(shape), of * np.sqrt(shape)) for of, shape in shaped], np.float32)


def _priors(places: int, sides: NDArray[np.float32]) -> NDArray[np.float32]:
    """Middles and sides, y before x, of the boxes at each place: `[places² · boxes, 4]`."""
    middles = (np.arange(places, dtype=np.float32) + 0.5) / places
    y, x, of = (part.ravel() for part in np.meshgrid(middles, middles, np.arange(len(sides)), indexing="ij"))
    return np.column_stack([y, x, sides[of.astype(int)]])


def _moved(moves: Any, priors: NDArray[np.float32]) -> Any:
    """Corners of the boxes `[batch, boxes, 4]`."""
    from keras import ops

    middles = moves[..., :2] / _PER_PLACE * priors[:, 2:] + priors[:, :2]
    halves = ops.exp(moves[..., 2:] / _PER_SIDE) * priors[:, 2:] / 2
    return ops.concatenate([middles - halves, middles + halves], axis=-1)
