"""Landmarks of a face: a chip with a face to 68 points, of eyes, brows, nose, mouth and jaw.

Blocks of separable convolutions, whose layers are added up (V. Mühler: face-api.js). The points are those of iBUG's
300-W: 36…41 and 42…47 are the eyes, 30 is the tip of the nose, 48…67 the mouth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.weights import Place, fill

if TYPE_CHECKING:
    import keras

MEAN = (122.782, 117.001, 104.298)
"""Of the colours, red, green and blue, that face-api.js' networks were trained with; 0…255."""

_POINTS = 68
_PARTS = np.zeros((5, _POINTS), np.float32)
for _row, _points in enumerate((range(36, 42), range(42, 48), (30,), (48,), (54,))):
    _PARTS[_row, list(_points)] = 1 / len(_points)


@dataclass(frozen=True)
class LandmarksSize:
    """A chip has `side` × `side` pixels, a multiple of 16; `widths` are the channels of its four blocks."""

    side: int
    widths: tuple[int, int, int, int]


LANDMARKS = LandmarksSize(side=112, widths=(32, 64, 128, 256))


def face_landmarks(size: LandmarksSize) -> "keras.Model":
    """uint8 RGB `[batch, side, side, 3]` to float `[batch, 5, 2]`: x and y, in units of the chip's side, of the eye to
    the left in the picture, that to the right, the tip of the nose, and the corners of the mouth."""
    import keras
    from keras import ops

    chip = keras.Input((size.side, size.side, 3), dtype="uint8", name="chip")
    x = (ops.cast(chip, "float32") - np.array(MEAN, np.float32)) / 255
    for number, channels in enumerate(size.widths):
        x = _block(x, channels, number)
    points = keras.layers.Dense(2 * _POINTS, name="fc")(ops.mean(x, axis=(1, 2)))
    five = ops.matmul(_PARTS, ops.reshape(points, (-1, _POINTS, 2)))
    return keras.Model(chip, five, name="face_landmarks")


def fill_face_landmarks(model: "keras.Model", weights: Mapping[str, NDArray[Any]]) -> None:
    """Gives a model that `face_landmarks` made all its weights, by the names under which they were published.

    Raises:
        UnfitWeightsError: one is missing or of another shape, or there is one that has no place in the model.
    """
    places: dict[str, Place] = {}
    for layer in model.layers:
        leaves = _LEAVES.get(type(layer).__name__, ())
        if layer.weights:
            scope = layer.name.replace(".", "/")
            places |= {f"{scope}/{leaf}": Place(variable) for leaf, variable in zip(leaves, layer.weights, strict=True)}
    fill(places, weights)


_LEAVES = {
    "Conv2D": ("filters", "bias"),
    "SeparableConv2D": ("depthwise_filter", "pointwise_filter", "bias"),
    "Dense": ("weights", "bias"),
}
"""As Keras has the weights of a layer."""


def _block(x: Any, channels: int, number: int) -> Any:
    """Half as high and wide. What each layer makes is added to all before it."""
    import keras
    from keras import ops

    kind = keras.layers.SeparableConv2D if number else keras.layers.Conv2D
    total = ops.relu(kind(channels, 3, strides=2, padding="same", name=f"dense{number}.conv0")(x))
    x = total
    for layer in (1, 2, 3):
        name = f"dense{number}.conv{layer}"
        total = total + keras.layers.SeparableConv2D(channels, 3, padding="same", name=name)(x)
        x = ops.relu(total)
    return x
