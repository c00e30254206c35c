"""`fashion-vgg`: garments by a small VGG (Simonyan, Zisserman 2014), keras-hub's."""

from typing import TYPE_CHECKING

from models import fashion
from models.explanation import FeatureMaps
from models.fashion import LABELS, FashionConfig, normalised_input, opened_at, spec_of
from models.spec import Count

if TYPE_CHECKING:
    import keras


class FashionVggConfig(FashionConfig):
    """`filters` of the 3×3 convolutions of each block, of which there are `repeats`; behind each block the sides are
    halved. `units` of the layer between the last block and the logits."""

    filters: tuple[Count, ...]
    repeats: tuple[Count, ...]
    units: Count


def build(config: FashionVggConfig) -> "keras.Model":
    """uint8 `[batch, 28, 28, 1]`, bright on black, to logits `[batch, 10]`; normalised in the graph."""
    import keras
    import keras_hub
    from keras import layers

    image, pixels = normalised_input()
    backbone = keras_hub.models.VGGBackbone(
        stackwise_num_repeats=list(config.repeats),
        stackwise_num_filters=list(config.filters),
        image_shape=(fashion.SIDE, fashion.SIDE, 1),
        name="vgg",
    )
    features = layers.Flatten(name="flatten")(backbone(pixels))
    features = layers.Dropout(config.dropout, name="dropout_1")(features)
    features = layers.Dense(config.units, activation="relu", name="dense")(features)
    features = layers.Dropout(config.dropout, name="dropout_2")(features)
    return keras.Model(image, layers.Dense(len(LABELS), dtype="float32", name="logits")(features), name="fashion_vgg")


def explain(model: "keras.Model") -> FeatureMaps:
    """At the last convolution."""
    last = next(layer for layer in reversed(model.get_layer("vgg").layers) if "conv" in layer.name)
    return opened_at(model, last.name)


SPEC = spec_of("fashion-vgg", FashionVggConfig, build, explain)
