"""`wardrobe`: which garments, shoes and bags are in a picture, and where: a small network without anchors.

Each cell of a grid tells a box by the distances of its four sides from the cell's middle (Z. Tian et al.: FCOS, 2019),
and for each label how well that box lies on an article of it (X. Li et al.: Generalized Focal Loss, 2020).
"""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from models.fashion import LABELS, ORIGIN
from models.spec import Count, DetectorConfig, ModelSpec, Origin, TrainConfig
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import keras

SIDE = 128  # pixels
CELL = 8  # pixels: the side of a cell of the grid

_REACH = 16.0  # pixels: how far from a cell's middle the sides of its box are before training
_FARTHEST = 3.0  # the natural logarithm of how much farther or nearer they can be
_RARE = 0.01  # the score of every cell before training


class WardrobeConfig(TrainConfig, DetectorConfig):
    """`scenes` are composed for an epoch, others for each; with `rows` no more than these, of so many articles.
    `filters` of the levels, each half as high and wide as the one before, the first half as high and wide as the
    picture; `blocks` of two convolutions on each; `units` of the layers that tell boxes and scores."""

    scenes: Count
    filters: Annotated[tuple[Count, ...], Field(min_length=4, max_length=4)]
    blocks: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=4, max_length=4)]
    units: Count


def build(config: WardrobeConfig) -> "keras.Model":
    """uint8 RGB `[batch, 128, 128, 3]` to candidates, float32 `[batch, 256, 4 + 10]`, see `models.detection`; the score
    of each is how likely it is on an article of that label, and how well (0…1), see `training.detection_loss`."""
    import keras
    from keras import layers, ops

    image = keras.Input((SIDE, SIDE, 3), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="normalise")(image)
    levels = []
    for number, (filters, blocks) in enumerate(zip(config.filters, config.blocks, strict=True)):
        x = _convolved(x, filters, f"level_{number}", strides=2)
        for block in range(blocks):
            inner = _convolved(x, filters, f"level_{number}_block_{block}_first")
            x = ops.relu(x + _normed(inner, filters, f"level_{number}_block_{block}_second"))
        levels.append(x)
    fine, coarse = (
        _normed(level, config.units, name, kernel=1) for level, name in ((levels[-2], "fine"), (levels[-1], "coarse"))
    )
    grid = _convolved(ops.relu(fine + layers.UpSampling2D(name="finer")(coarse)), config.units, "grid")
    scores = _told(_convolved(grid, config.units, "of_scores"), len(LABELS), "scores")
    sides = _told(_convolved(grid, config.units, "of_sides"), 4, "sides")
    found = ops.concatenate([_boxes(sides), ops.sigmoid(scores)], axis=-1)
    return keras.Model(image, ops.reshape(found, (-1, (SIDE // CELL) ** 2, 4 + len(LABELS))), name="wardrobe")


def _boxes(sides: Any) -> Any:
    """Logarithms of the distances of top, left, bottom and right to corners `[…, 4]`."""
    from keras import ops

    top, left, bottom, right = ops.split(ops.exp(ops.clip(sides, -_FARTHEST, _FARTHEST)) * _REACH, 4, axis=-1)
    middles = ops.arange(CELL / 2, SIDE, CELL, dtype="float32")
    y, x = middles[:, None, None], middles[None, :, None]
    return ops.concatenate([y - top, x - left, y + bottom, x + right], axis=-1) / SIDE


def _told(x: Any, count: int, name: str) -> Any:
    """In float32, in whatever numbers the layers before multiply."""
    import keras
    import numpy as np

    bias = keras.initializers.Constant(float(np.log(_RARE / (1 - _RARE)))) if name == "scores" else "zeros"
    return keras.layers.Conv2D(count, 1, bias_initializer=bias, dtype="float32", name=name)(x)


def _convolved(x: Any, filters: int, name: str, *, strides: int = 1) -> Any:
    from keras import ops

    return ops.relu(_normed(x, filters, name, strides=strides))


def _normed(x: Any, filters: int, name: str, *, kernel: int = 3, strides: int = 1) -> Any:
    from keras import layers

    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False, name=name)(x)
    return layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")(x)


def processing(_config: WardrobeConfig) -> ImageSpec:
    return ImageSpec(form="letterbox", height=SIDE, width=SIDE, channels=3)


SPEC = ModelSpec(
    name="wardrobe",
    task="object-detection",
    description="Finds garments, shoes and bags in a picture, of ten kinds, and tells where each is.",
    intended_use=(
        "Pictures in which several articles lie on any ground: how many of which kind there are, and cutting them out. "
        "It shows, too, how a detector is trained here, measured and served."
    ),
    limits=(
        "It learnt from composed scenes: small pictures of single articles, coloured by chance, laid on plain, "
        "blotched and photographed grounds. How well it does on photographs of rooms and people nobody measured.",
        "A picture is reduced to 128 pixels on its longer side; of what is then smaller than some 24 pixels, or larger "
        "than 80, it saw nothing.",
        "At most six articles were in a scene, and no two overlapped by more than 0.3 of the smaller one's box.",
        "Shirts, T-shirts, pullovers, coats and dresses are often taken for each other, by people as well.",
        "Articles stood upright, turned by ten degrees at most. The articles were one European shop's before 2017.",
    ),
    labels=LABELS,
    origins=(
        ORIGIN,
        Origin(
            licence="public domain or CC0; one from Middlebury's stereo data set",
            source="eleven photographs as grounds, seven to train and four to measure it by, from the PyPI package "
            "scikit-image 0.25.2",
            attribution="L. Varshney, S. van der Walt, R. Michetti, NASA, SpaceX, the Brooklyn Museum, CC0Textures; "
            "D. Scharstein et al.: High-resolution stereo datasets, GCPR 2014",
        ),
    ),
    config=WardrobeConfig,
    build=build,
    processing=processing,
    explain="what it finds has a box, which tells where it looked",
)
