"""FaceBoxes: a picture to candidates, each an anchor of one size at one place, moved and scored.

S. Zhang et al.: FaceBoxes: A CPU Real-time Face Detector with High Accuracy, 2017. The layers are those of
github.com/TropComplique/FaceBoxes-tensorflow, with batch normalisation folded into the kernels, as its weights were
published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import UnfitWeightsError
from models.weights import Place, fill

if TYPE_CHECKING:
    import keras

_CONSTANTS = ("anchor_generator/",)  # of the published graph, where they are computed from
_CENTRES, _SIDES = 10.0, 5.0  # in which parts of an anchor its centre and its sides are moved


@dataclass(frozen=True)
class Grid:
    """Anchors around the cells of one level: in each of `stride` pixels, of each side so many along either axis."""

    stride: int
    sides: tuple[tuple[int, int], ...]

    @property
    def anchors(self) -> int:
        """Of one cell."""
        return sum(along**2 for _, along in self.sides)


GRIDS = (Grid(32, ((32, 4), (64, 2), (128, 1))), Grid(64, ((256, 1),)), Grid(128, ((512, 1),)))


@dataclass(frozen=True)
class FaceBoxesSize:
    """A picture has `side` × `side` pixels, a multiple of 128. `width` is the number of channels between the first
    level's layers, a multiple of 4; `narrow` that inside of a branch."""

    side: int
    stem: tuple[int, int]
    width: int
    narrow: int
    deep: int


FACEBOXES = FaceBoxesSize(side=768, stem=(24, 64), width=128, narrow=24, deep=256)


def faceboxes(size: FaceBoxesSize) -> "keras.Model":
    """uint8 RGB `[batch, side, side, 3]` to candidates, float `[batch, anchors, 5]`, see `models.detection`."""
    import keras
    from keras import ops

    image = keras.Input((size.side, size.side, 3), dtype="uint8", name="image")
    levels = _levels(ops.cast(image, "float32") / 127.5 - 1, size)
    moved, scores = [], []
    for number, (level, grid) in enumerate(zip(levels, GRIDS, strict=True)):
        moves = _conv(4 * grid.anchors, f"prediction_layers.box_encoding_predictor_{number}", kernel=3)(level)
        logits = _conv(2 * grid.anchors, f"prediction_layers.class_predictor_{number}", kernel=3)(level)
        moved.append(ops.reshape(moves, (-1, _cells(grid, size) * grid.anchors, 4)))
        scores.append(ops.softmax(ops.reshape(logits, (-1, _cells(grid, size) * grid.anchors, 2)))[..., 1:])
    boxes = _boxes(ops.concatenate(moved, axis=1), anchors(size.side))
    return keras.Model(image, ops.concatenate([boxes, ops.concatenate(scores, axis=1)], axis=-1), name="faceboxes")


def anchors(side: int) -> NDArray[np.float32]:
    """`[anchors, 4]`: ymin, xmin, ymax, xmax in units of the picture's side, at whose edges they are cut."""
    found = []
    for grid in GRIDS:
        corners = np.arange(0, side, grid.stride, dtype=np.float64)
        y, x = np.meshgrid(corners, corners, indexing="ij")
        around = np.concatenate([_around(length, along, grid.stride) for length, along in grid.sides])
        corner = np.stack([y.ravel(), x.ravel()], axis=-1)[:, np.newaxis]
        centres, half = corner + around[:, :2], around[:, 2:] / 2
        found.append(np.concatenate([centres - half, centres + half], axis=-1).reshape(-1, 4))
    return np.clip(np.concatenate(found) / side, 0, 1).astype(np.float32)


def fill_faceboxes(model: "keras.Model", weights: Mapping[str, NDArray[Any]]) -> None:
    """Gives a model that `faceboxes` made all its weights, by the names under which they were published.

    Raises:
        UnfitWeightsError: one is missing or of another shape, or there is one that has no place in the model.
    """
    named: dict[str, list[str]] = {}
    for name in sorted(weights, key=lambda name: not name.endswith("weights")):
        named.setdefault(name.rpartition("/")[0], []).append(name)
    places: dict[str, Place] = {}
    for layer in model.layers:
        scope = layer.name.replace(".", "/")
        names = named.get(scope, []) if layer.weights else []
        if len(names) != len(layer.weights):
            raise UnfitWeightsError(f"{scope} has {len(names)} of them, expected {len(layer.weights)}")
        places |= {name: Place(variable) for name, variable in zip(names, layer.weights, strict=True)}
    fill(places, weights, unused=_CONSTANTS)


def _levels(x: Any, size: FaceBoxesSize) -> list[Any]:
    """From fine to coarse, one for each of `GRIDS`."""
    import keras
    from keras import ops

    for name, channels, kernel, stride in (("conv1", size.stem[0], 7, 4), ("conv2", size.stem[1], 5, 2)):
        x = _conv(channels, name, kernel=kernel, stride=stride)(x)
        x = ops.relu(ops.concatenate([x, -x], axis=-1))
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}.pool")(x)
    for number in (1, 2, 3):
        x = _inception(x, size, f"inception{number}")
    levels = [x]
    for name in ("conv3", "conv4"):
        x = ops.relu(_conv(size.width, f"{name}_1")(x))
        x = ops.relu(_conv(size.deep, f"{name}_2", kernel=3, stride=2)(x))
        levels.append(x)
    return levels


def _inception(x: Any, size: FaceBoxesSize, name: str) -> Any:
    """Four branches that look differently far."""
    import keras
    from keras import ops

    part = size.width // 4
    pooled = keras.layers.MaxPooling2D(3, strides=1, padding="same", name=f"{name}.pool")(x)
    one = ops.relu(_conv(part, f"{name}.conv_1x1_path1")(x))
    two = ops.relu(_conv(part, f"{name}.conv_1x1_path2")(pooled))
    three = ops.relu(_conv(size.narrow, f"{name}.conv_1x1_path3")(x))
    three = ops.relu(_conv(part, f"{name}.conv_3x3_path3", kernel=3)(three))
    four = ops.relu(_conv(size.narrow, f"{name}.conv_1x1_path4")(x))
    four = ops.relu(_conv(part, f"{name}.conv_3x3_path4", kernel=3)(four))
    four = ops.relu(_conv(part, f"{name}.conv_3x3_second_path4", kernel=3)(four))
    return ops.concatenate([one, two, three, four], axis=-1)


def _boxes(moves: Any, fixed: NDArray[np.float32]) -> Any:
    """Anchors `[anchors, 4]`, moved by `[batch, anchors, 4]`: the centre in parts of the anchor, the sides by powers
    of e."""
    from keras import ops

    sides = fixed[:, 2:] - fixed[:, :2]
    centres = moves[..., :2] * (sides / _CENTRES) + (fixed[:, :2] + sides / 2)
    half = ops.exp(moves[..., 2:] / _SIDES) * (sides / 2)
    return ops.clip(ops.concatenate([centres - half, centres + half], axis=-1), 0, 1)


def _around(length: int, along: int, stride: int) -> NDArray[np.float64]:
    """Of one side in one cell: centres from its upper left corner, and sides, `[along², 4]`; down before right."""
    steps = stride / 2 + (np.arange(along) - (along - 1) / 2) * _step(length, along)
    x, y = np.meshgrid(steps, steps, indexing="ij")
    return np.stack([y.ravel(), x.ravel(), *np.full((2, along**2), float(length))], axis=-1)


def _step(length: int, along: int) -> float:
    """Between centres: the anchors of a side lie as if their cell were as large as they are."""
    return length / along


def _cells(grid: Grid, size: FaceBoxesSize) -> int:
    return (size.side // grid.stride) ** 2


def _conv(channels: int, name: str, *, kernel: int = 1, stride: int = 1) -> Any:
    import keras

    return keras.layers.Conv2D(channels, kernel, strides=stride, padding="same", name=name)
