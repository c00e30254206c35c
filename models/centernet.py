"""CenterNet on MobileNetV3: a picture to candidates, each cell of a fine grid with a box and a score for each label.

The centre of an object is where the score of its label is the highest of its neighbourhood (X. Zhou et al.: Objects as
Points, 2019); the box is told by the distances of its four sides from there. The layers are those of
mobilenetv3_centernet, github.com/610265158, with batch normalisation folded into the kernels, as its weights were
published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from numpy.typing import NDArray

from models.errors import UnfitWeightsError
from models.weights import Place, fill

if TYPE_CHECKING:
    import keras

_CELL = 4  # pixels: the side of a cell of the grid
_REACH = 16.0  # pixels: what is one in the distances that are learnt
_SCOPE = "tower_0/"  # in which the names of some weights begin


@dataclass(frozen=True)
class Block:
    """An inverted bottleneck: expanded, filtered by `kernel`, weighed by `squeezed` channels if any, projected.

    `across`: what of it goes over to the way back up.
    """

    expanded: int
    kernel: int
    stride: int
    out: int
    squeezed: int | None = None
    swish: bool = False
    across: Literal["expanded", "out"] | None = None


@dataclass(frozen=True)
class CenterNetSize:
    """`up` are the channels on the way back up, from coarse to fine; on each level as many come across as go up.

    A picture has `side` × `side` pixels.
    """

    side: int
    labels: int
    stem: int
    blocks: tuple[Block, ...]
    last: int
    up: tuple[int, ...]


LARGE = CenterNetSize(
    side=512,
    labels=80,
    stem=16,
    blocks=(
        Block(16, 3, 1, 16),
        Block(64, 3, 2, 24),
        Block(72, 3, 1, 24),
        Block(72, 5, 2, 32, squeezed=24, across="expanded"),
        Block(96, 5, 1, 32, squeezed=24),
        Block(96, 5, 1, 32, squeezed=24, across="expanded"),
        Block(192, 3, 2, 64, swish=True),
        Block(160, 3, 1, 64, swish=True),
        Block(144, 3, 1, 64, swish=True),
        Block(144, 3, 1, 64, swish=True),
        Block(384, 3, 1, 88, squeezed=96, swish=True),
        Block(528, 3, 1, 88, squeezed=136, swish=True, across="out"),
        Block(528, 5, 2, 120, squeezed=136, swish=True),
        Block(720, 5, 1, 120, squeezed=184, swish=True),
        Block(720, 5, 1, 120, squeezed=184, swish=True),
    ),
    last=480,
    up=(128, 96, 64),
)


def centernet(size: CenterNetSize) -> "keras.Model":
    """uint8 RGB `[batch, side, side, 3]` to candidates, float `[batch, cells, 4 + labels]`, see `models.detection`."""
    import keras
    from keras import ops

    image = keras.Input((size.side, size.side, 3), dtype="uint8", name="image")
    grid = _head(*_backbone(ops.cast(image, "float32"), size), size)
    scores = keras.layers.SeparableConv2D(size.labels, 3, padding="same", name="CenternetHead.centernet_cls_output")
    sides = keras.layers.SeparableConv2D(4, 3, padding="same", name="CenternetHead.centernet_wh_output")
    found = ops.concatenate([_boxes(sides(grid), size.side), _peaks(ops.sigmoid(scores(grid)))], axis=-1)
    cells = (size.side // _CELL) ** 2
    return keras.Model(image, ops.reshape(found, (-1, cells, 4 + size.labels)), name="centernet")


def fill_centernet(model: "keras.Model", weights: Mapping[str, NDArray[Any]]) -> None:
    """Gives a model that `centernet` made all its weights, by the names under which they were published.

    Raises:
        UnfitWeightsError: one is missing or of another shape, or there is one that has no place in the model.
    """
    named: dict[str, list[str]] = {}
    for name in sorted(weights, key=_kernels_first):
        named.setdefault(name.removeprefix(_SCOPE).rpartition("/")[0], []).append(name)
    places: dict[str, Place] = {}
    for layer in model.layers:
        scope = layer.name.replace(".", "/")
        names = named.get(scope, []) if layer.weights else []
        if len(names) != len(layer.weights):
            raise UnfitWeightsError(f"{scope} has {len(names)} of them, expected {len(layer.weights)}")
        places |= {name: Place(variable) for name, variable in zip(names, layer.weights, strict=True)}
    fill(places, weights)


def _kernels_first(name: str) -> tuple[bool, bool]:
    """As Keras has the weights of a layer: the filter of each channel, the mixture of channels, the bias."""
    leaf = name.rpartition("/")[2]
    return not leaf.endswith("weights"), leaf != "depthwise_weights"


def _backbone(image: Any, size: CenterNetSize) -> tuple[Any, list[Any]]:
    """The coarsest level, and what goes across, from coarse to fine."""
    from keras import ops

    x = ops.hard_swish(_conv(size.stem, "MobilenetV3.Conv", kernel=3, stride=2)(image))
    across = []
    for number, block in enumerate(size.blocks):
        name = f"MobilenetV3.expanded_conv{f'_{number}' if number else ''}"
        expanded, out = _bottleneck(x, block, name)
        if block.across:
            across.append(expanded if block.across == "expanded" else out)
        x = out
    return ops.hard_swish(_conv(size.last, "extern1")(x)), across[::-1]


def _bottleneck(x: Any, block: Block, name: str) -> tuple[Any, Any]:
    """What it is expanded to, and what comes out."""
    import keras
    from keras import ops

    activation = ops.hard_swish if block.swish else ops.relu
    channels = x.shape[-1]
    expanded = x if block.expanded == channels else activation(_conv(block.expanded, f"{name}.expand")(x))
    filtered = keras.layers.DepthwiseConv2D(
        block.kernel, strides=block.stride, padding="same", name=f"{name}.depthwise"
    )
    y = activation(filtered(expanded))
    if block.squeezed:
        mean = ops.mean(y, axis=(1, 2), keepdims=True)
        hidden = ops.relu(_conv(block.squeezed, f"{name}.squeeze_excite.Conv")(mean))
        y *= ops.hard_sigmoid(_conv(block.expanded, f"{name}.squeeze_excite.Conv_1")(hidden))
    y = _conv(block.out, f"{name}.project")(y)
    return expanded, x + y if block.stride == 1 and block.out == channels else y


def _head(coarse: Any, across: list[Any], size: CenterNetSize) -> Any:
    """The finest level: each one up is joined by what comes across, and in the end its channels are weighed."""
    from keras import ops

    x, level = coarse, len(size.up) + 2
    for channels, crossing in zip(size.up, across, strict=True):
        up = f"CenternetHead.c{level}_upsample"
        x = _doubled(
            _separable(channels, 3, f"{up}.branch_x_upsample_resize")(x)
            + _separable(channels, 5, f"{up}.branch_y_upsample_resize")(x)
        )
        reverse = f"CenternetHead.c{level - 1}_reverse"
        fewer = ops.relu(_conv(crossing.shape[-1] // 4, f"{reverse}.1x1")(crossing))
        x = ops.relu(ops.concatenate([_separable(channels, 5, f"{reverse}.3x3")(fewer), x], axis=-1))
        level -= 1
    channels = x.shape[-1]
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    hidden = ops.relu(_conv(channels // 4, "CenternetHead.conv1x1_se_a")(mean))
    return x * ops.sigmoid(_conv(channels, "CenternetHead.conv1x1_se_b", bias=False)(hidden))


def _boxes(sides: Any, side: int) -> Any:
    """Distances of left, top, right and bottom, from the upper left corner of the cell, to corners: `[…, 4]`."""
    from keras import ops

    left, top, right, bottom = (distance[..., 0] * _REACH for distance in ops.split(sides, 4, axis=-1))
    places = ops.arange(0, side, _CELL, dtype="float32")
    y, x = places[:, None], places[None]
    return ops.stack([y - top, x - left, y + bottom, x + right], axis=-1) / side


def _peaks(scores: Any) -> Any:
    """0 where a neighbour scores higher for that label."""
    import keras
    from keras import ops

    highest = keras.layers.MaxPooling2D(3, strides=1, padding="same", name="neighbourhood")(scores)
    return ops.where(ops.equal(scores, highest), scores, ops.zeros_like(scores))


def _conv(channels: int, name: str, *, kernel: int = 1, stride: int = 1, bias: bool = True) -> Any:
    import keras

    return keras.layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=bias, name=name)


def _separable(channels: int, kernel: int, name: str) -> Any:
    import keras

    return keras.layers.SeparableConv2D(channels, kernel, padding="same", name=name)


def _doubled(x: Any) -> Any:
    """Twice as high and wide: between each two pixels their mean, behind the last one the same. So TensorFlow 1 had it,
    whose pixels were corners; Keras' own resizing moves the picture by a quarter of a pixel."""
    for axis in (1, 2):
        x = _doubled_along(x, axis)
    return x


def _doubled_along(x: Any, axis: int) -> Any:
    from keras import ops

    _, height, width, channels = x.shape
    last = x[:, -1:] if axis == 1 else x[:, :, -1:]
    following = ops.concatenate([x[:, 1:] if axis == 1 else x[:, :, 1:], last], axis=axis)
    size = (2 * height, width) if axis == 1 else (height, 2 * width)
    return ops.reshape(ops.stack([x, (x + following) / 2], axis=axis + 1), (-1, *size, channels))
