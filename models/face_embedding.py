"""The embedding of a face: an aligned chip to 128 numbers, near those of the same person: dlib's ResNet-29.

D. King: High Quality Face Recognition with Deep Metric Learning, 2017. The layers are those of face-api.js, where the
scale and the offset that follow each convolution have weights of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.errors import UnfitWeightsError
from models.face_landmarks import MEAN
from models.weights import Place, fill

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class EmbeddingSize:
    """A chip has `side` × `side` pixels. `stages`: channels, and how many blocks follow the one that halves the side;
    of the first stage, which is halved already, all. `width` numbers come out."""

    side: int
    stages: tuple[tuple[int, int], ...]
    width: int


RESNET29 = EmbeddingSize(side=150, stages=((32, 3), (64, 3), (128, 2), (256, 2)), width=128)


def face_embedding(size: EmbeddingSize) -> "keras.Model":
    """uint8 RGB `[batch, side, side, 3]` to float `[batch, width]`."""
    import keras
    from keras import ops

    chip = keras.Input((size.side, size.side, 3), dtype="uint8", name="chip")
    x = (ops.cast(chip, "float32") - np.array(MEAN, np.float32)) / 255
    (first, blocks), *others = size.stages
    x = ops.relu(_conv(first, f"conv{first}_down", kernel=7, stride=2)(x))
    x = keras.layers.MaxPooling2D(3, strides=2, padding="valid", name="pool")(x)
    for number in range(1, blocks + 1):
        x = _block(x, f"conv{first}_{number}")
    for channels, blocks in others:
        x = _halving(x, channels, f"conv{channels}_down")
        for number in range(1, blocks + 1):
            x = _block(x, f"conv{channels}_{number}")
    x = _halving(x, x.shape[-1], f"conv{x.shape[-1]}_down_out")
    vector = keras.layers.Dense(size.width, use_bias=False, name="fc")(ops.mean(x, axis=(1, 2)))
    return keras.Model(chip, vector, name="face_embedding")


def fill_face_embedding(model: "keras.Model", weights: Mapping[str, NDArray[Any]]) -> None:
    """Gives a model that `face_embedding` made all its weights, by the names under which they were published.

    Raises:
        UnfitWeightsError: one is missing or of another shape, or there is one that has no place in the model.
    """
    places: dict[str, Place] = {}
    folded = dict(weights)
    for layer in model.layers:
        if layer.name == "fc":
            places["fc"] = Place(layer.kernel)
        elif layer.weights:
            scope = layer.name.replace(".", "/")
            places |= {f"{scope}/kernel": Place(layer.kernel), f"{scope}/bias": Place(layer.bias)}
            folded |= _folded(folded, scope)
    fill(places, folded)


def _folded(weights: dict[str, NDArray[Any]], scope: str) -> dict[str, NDArray[Any]]:
    """Kernel and bias of a convolution with the scale and the offset that follow it, which are taken out."""
    names = [f"{scope}/{leaf}" for leaf in ("conv/filters", "conv/bias", "scale/weights", "scale/biases")]
    if missing := [name for name in names if name not in weights]:
        raise UnfitWeightsError(f"they lack {', '.join(missing)}")
    kernel, bias, scale, offset = (weights.pop(name) for name in names)
    return {f"{scope}/kernel": kernel * scale, f"{scope}/bias": bias * scale + offset}


def _block(x: Any, name: str) -> Any:
    from keras import ops

    y = ops.relu(_conv(x.shape[-1], f"{name}.conv1", kernel=3)(x))
    return ops.relu(x + _conv(x.shape[-1], f"{name}.conv2", kernel=3)(y))


def _halving(x: Any, channels: int, name: str) -> Any:
    """Half as high and wide. Where the convolutions see a pixel less than the mean of four does, zeros are put below
    and to the right; new channels begin with zeros."""
    import keras
    from keras import ops

    y = ops.relu(_conv(channels, f"{name}.conv1", kernel=3, stride=2)(x))
    y = _conv(channels, f"{name}.conv2", kernel=3)(y)
    mean = keras.layers.AveragePooling2D(2, strides=2, padding="valid", name=f"{name}.mean")(x)
    short, more = mean.shape[1] - y.shape[1], channels - mean.shape[-1]
    y = ops.pad(y, ((0, 0), (0, short), (0, short), (0, 0)))
    return ops.relu(y + ops.pad(mean, ((0, 0), (0, 0), (0, 0), (0, more))))


def _conv(channels: int, name: str, *, kernel: int, stride: int = 1) -> Any:
    """Halving ones see nothing beyond the edges."""
    import keras

    padding = "valid" if stride > 1 else "same"
    return keras.layers.Conv2D(channels, kernel, strides=stride, padding=padding, name=name)
