"""What the networks that tell garments apart share: Fashion-MNIST's labels, its form, and how they are trained."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from models.explanation import FeatureMaps, Tensor
from models.spec import Fraction, Frozen, ModelSpec, Origin, TrainConfig
from processing.spec import ImageSpec

if TYPE_CHECKING:
    import keras

SIDE = 28
LABELS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
DESCRIPTION = "A garment, shoe or bag on a plain bright or dark ground, anywhere in the picture and of any size."
INTENDED_USE = "Sorting pictures of single articles, taken as a shop's catalogue takes them, into ten kinds."
LIMITS = (
    "One article per picture, alone on a plain ground that is much brighter or much darker; worn by nobody.",
    "Colours are not seen: a picture is read as 28×28 levels of grey.",
    "It always names one of ten kinds. A cup or a face gets one, too, at times with high confidence; only a blank "
    "picture is refused.",
    "Shirts, T-shirts, pullovers and coats are often taken for each other, by people as well.",
    "A sandal points to the left in most of the pictures it learnt from; upside down nothing is recognised.",
    "The articles were one European shop's before 2017.",
)
ORIGIN = Origin(
    licence="MIT",
    source="Fashion-MNIST, all 70,000 pictures, from the Debian package dataset-fashion-mnist",
    attribution="H. Xiao, K. Rasul, R. Vollgraf (Zalando SE): Fashion-MNIST, 2017",
)


class FashionAugment(Frozen):
    """What a training picture goes through at random, by layers of Keras.

    `flip`: half of them are mirrored, left for right. `shift`: moved each way by at most that share of the side, as
    cropping a larger picture does. `cutout`: the share of pictures of which a part is erased. `mixup`: pictures and
    labels of two are mixed, by a share drawn from Beta(`mixup`, `mixup`); 0 for none.
    """

    flip: bool
    shift: Annotated[float, Field(ge=0, le=0.5)]
    cutout: Annotated[float, Field(ge=0, le=1)]
    mixup: Annotated[float, Field(ge=0, le=1)]


class FashionConfig(TrainConfig):
    """`label_smoothing`: so much of a label's certainty is dealt out to all of them."""

    dropout: Fraction
    label_smoothing: Fraction
    augment: FashionAugment


def processing(_config: FashionConfig) -> ImageSpec:
    return ImageSpec(form="garment", height=SIDE, width=SIDE, channels=1)


def normalised_input() -> tuple["keras.KerasTensor", "keras.KerasTensor"]:
    """uint8 `[batch, 28, 28, 1]`, and the same from 0 to 1."""
    import keras

    image = keras.Input((SIDE, SIDE, 1), dtype="uint8", name="image")
    return image, keras.layers.Rescaling(1 / 255, name="normalise")(image)


def opened_at(model: "keras.Model", maps: str) -> FeatureMaps:
    """At the layer `maps` of the backbone, which is the layer of this model behind the one that normalises."""
    import keras

    names = [layer.name for layer in model.layers]
    normalise = model.get_layer("normalise")
    backbone, *head = model.layers[names.index("normalise") + 1 :]
    inside = backbone.get_layer(maps).output
    before, behind = keras.Model(backbone.inputs, inside), keras.Model(inside, backbone.outputs[0])

    def logits(found: Tensor) -> Tensor:
        features = behind(found)
        for layer in head:
            features = layer(features)
        return features

    return FeatureMaps(lambda image: before(normalise(image)), logits)


def spec_of(
    name: str,
    config: type[FashionConfig],
    build: "Callable[[Any], keras.Model]",
    explain: "Callable[[keras.Model], FeatureMaps]",
) -> ModelSpec:
    """The entry of one network."""
    return ModelSpec(
        name=name,
        task="image-classification",
        description=DESCRIPTION,
        intended_use=INTENDED_USE,
        limits=LIMITS,
        labels=LABELS,
        origins=(ORIGIN,),
        config=config,
        build=build,
        processing=processing,
        explain=explain,
    )
