"""`fashion-resnet`: garments by a small residual network (He et al. 2015), keras-hub's, of ResNet-18's blocks."""

from typing import TYPE_CHECKING

from models import fashion
from models.explanation import FeatureMaps
from models.fashion import LABELS, FashionConfig, normalised_input, opened_at, spec_of
from models.spec import Count

if TYPE_CHECKING:
    import keras

_STEM = 64  # filters; keras-hub knows no other first stage


class FashionResnetConfig(FashionConfig):
    """Of each stage the `filters`, how many `blocks` of two convolutions, and by how much the first of them makes the
    sides smaller (`strides`); before the first stage they are quartered already."""

    filters: tuple[Count, ...]
    blocks: tuple[Count, ...]
    strides: tuple[Count, ...]


def build(config: FashionResnetConfig) -> "keras.Model":
    """uint8 `[batch, 28, 28, 1]`, bright on black, to logits `[batch, 10]`; normalised in the graph."""
    import keras
    import keras_hub
    from keras import layers

    image, pixels = normalised_input()
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[_STEM],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=list(config.filters),
        stackwise_num_blocks=list(config.blocks),
        stackwise_num_strides=list(config.strides),
        block_type="basic_block",
        use_pre_activation=False,
        image_shape=(fashion.SIDE, fashion.SIDE, 1),
        name="resnet",
    )
    features = layers.GlobalAveragePooling2D(name="pool")(backbone(pixels))
    features = layers.Dropout(config.dropout, name="dropout")(features)
    return keras.Model(
        image, layers.Dense(len(LABELS), dtype="float32", name="logits")(features), name="fashion_resnet"
    )


def explain(model: "keras.Model") -> FeatureMaps:
    """Behind the last stage whose maps are at least a quarter as wide as the input: later ones hardly tell a place."""
    backbone = model.get_layer("resnet")
    wide = [layer.name for layer in backbone.layers if layer.output.shape[2] * 4 >= fashion.SIDE]
    return opened_at(model, next(name for name in reversed(wide) if name.endswith("_out")))


SPEC = spec_of("fashion-resnet", FashionResnetConfig, build, explain)
