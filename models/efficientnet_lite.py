"""EfficientNet-Lite: a network of photographs for small machines, as its authors published it in 2020.

Mobile inverted bottlenecks with ReLU6, without squeeze and excitation; padding is SAME.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.weights import Place, fill

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

MIDDLE, SPREAD = 127, 128  # levels: what the network takes is (level − MIDDLE) / SPREAD
TOP = "top_activation"  # the layer after the last convolution

_EPSILON = 1e-3  # of the normalisation


@dataclass(frozen=True)
class Stage:
    """`repeats` blocks; the first of them has the stride. `expand` times as many channels are inside a block."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


@dataclass(frozen=True)
class EfficientNetLite:
    """Its shape. `side` is that of its input in pixels; `stem` and `head` are channels."""

    side: int
    stem: int
    head: int
    stages: tuple[Stage, ...]
    labels: int

    @property
    def blocks(self) -> Iterator[tuple[str, Stage, int, int]]:
        """Of each block its name, its stage, its stride and the channels that come in."""
        number, channels = 0, self.stem
        for stage in self.stages:
            for repeat in range(stage.repeats):
                yield f"block_{number}", stage, stage.stride if repeat == 0 else 1, channels
                number, channels = number + 1, stage.channels


LITE0 = EfficientNetLite(
    side=224,
    stem=32,
    head=1280,
    stages=(
        Stage(1, 3, 1, 1, 16),
        Stage(2, 3, 2, 6, 24),
        Stage(2, 5, 2, 6, 40),
        Stage(3, 3, 2, 6, 80),
        Stage(3, 5, 1, 6, 112),
        Stage(4, 5, 2, 6, 192),
        Stage(1, 3, 1, 6, 320),
    ),
    labels=1000,
)


def efficientnet_lite(shape: EfficientNetLite, name: str) -> "keras.Model":
    """uint8 `[batch, side, side, 3]`, RGB, to logits `[batch, labels]`; normalised in the graph."""
    import keras
    from keras import layers

    def normalised(x: Any, part: str, *, bent: bool = True) -> Any:
        x = layers.BatchNormalization(epsilon=_EPSILON, name=f"{part}_norm")(x)
        return layers.ReLU(max_value=6, name=f"{part}_activation")(x) if bent else x

    def convolved(x: Any, part: str, channels: int, kernel: int = 1, stride: int = 1, *, bent: bool = True) -> Any:
        options: Any = {"strides": stride, "padding": "same", "use_bias": False}
        return normalised(layers.Conv2D(channels, kernel, **options, name=part)(x), part, bent=bent)

    image = keras.Input((shape.side, shape.side, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / SPREAD, -MIDDLE / SPREAD, name="normalise")(image)
    x = convolved(x, "stem", shape.stem, 3, 2)
    for block, stage, stride, channels in shape.blocks:
        given = x
        if stage.expand > 1:
            x = convolved(x, f"{block}_expand", channels * stage.expand)
        depthwise = layers.DepthwiseConv2D(
            stage.kernel, strides=stride, padding="same", use_bias=False, name=f"{block}_depthwise"
        )
        x = normalised(depthwise(x), f"{block}_depthwise")
        x = convolved(x, f"{block}_project", stage.channels, bent=False)
        if stride == 1 and channels == stage.channels:
            x = layers.Add(name=f"{block}_add")([x, given])
    x = convolved(x, "top", shape.head)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(shape.labels, name="logits")(x), name=name)


def fill_efficientnet_lite(
    model: "keras.Model", shape: EfficientNetLite, weights: "Mapping[str, NDArray[Any]]"
) -> None:
    """Puts weights as PyTorch has them into a model of `efficientnet_lite`. Raises `UnfitWeightsError`."""
    places: dict[str, Place] = {}

    def convolution(layer: str, theirs: str, norm: str) -> None:
        places[f"{theirs}.weight"] = Place(model.get_layer(layer).kernel, kernel=True)
        of = model.get_layer(f"{layer}_norm")
        places.update(
            {
                f"{norm}.weight": Place(of.gamma),
                f"{norm}.bias": Place(of.beta),
                f"{norm}.running_mean": Place(of.moving_mean),
                f"{norm}.running_var": Place(of.moving_variance),
            }
        )

    convolution("stem", "_conv_stem", "_bn0")
    for number, (block, stage, _, _) in enumerate(shape.blocks):
        theirs = f"_blocks.{number}"
        if stage.expand > 1:
            convolution(f"{block}_expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
        convolution(f"{block}_depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
        convolution(f"{block}_project", f"{theirs}._project_conv", f"{theirs}._bn2")
    convolution("top", "_conv_head", "_bn1")
    logits = model.get_layer("logits")
    places |= {"_fc.weight": Place(logits.kernel, kernel=True), "_fc.bias": Place(logits.bias)}
    counters = [name for name in weights if name.endswith(".num_batches_tracked")]
    fill(places, weights, unused=counters)


def output_of_block(model: "keras.Model", number: int) -> "keras.KerasTensor":
    """What the block of that number, from 0, makes of a picture; before the first, −1, what the stem does."""
    names = {layer.name for layer in model.layers}
    ends = [f"block_{number}_add", f"block_{number}_project_norm"] if number >= 0 else ["stem_activation"]
    return model.get_layer(next(name for name in ends if name in names)).output
