"""The networks of photographs that transformers writes and keras-hub has: what goes where."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from models.imagenet import LABELS

if TYPE_CHECKING:
    import keras

Facts = Mapping[str, Any]
Place = tuple[Any, str, Callable[[Any], Any]]
"""A variable of Keras, the name that its weights have in the file, and how they become the variable's."""


@dataclass(frozen=True)
class Family:
    """One architecture of Hugging Face as far as keras-hub has it.

    Attributes:
        only: settings that may have no other value, as keras-hub has it built in. What is not there counts as the
            first.
        make: the configuration to keras-hub's classifier without weights.
        places: those of that classifier, all of them.
    """

    only: Mapping[str, tuple[Any, ...]]
    make: Callable[[Facts], "keras.Model"]
    places: Callable[["keras.Model"], Iterator["Place"]]


def _as_it_is(values: Any) -> Any:
    return values


def _matrix(values: Any) -> Any:
    return values.T


def _kernel(values: Any) -> Any:
    """Of a convolution: output, input, rows, columns."""
    return values.transpose(2, 3, 1, 0)


def _heads(values: Any, to: Any) -> Any:
    """Of attention: the heads have a dimension of their own in the variable `to`."""
    return values.T.reshape(to.shape)


def _norm(layer: Any, name: str) -> Iterator[Place]:
    yield layer.gamma, f"{name}.weight", _as_it_is
    yield layer.beta, f"{name}.bias", _as_it_is


def _dense(layer: Any, name: str) -> Iterator[Place]:
    yield layer.kernel, f"{name}.weight", _matrix
    yield layer.bias, f"{name}.bias", _as_it_is


def _vit(config: Facts) -> "keras.Model":
    import keras_hub

    side = config["image_size"]
    backbone = keras_hub.models.ViTBackbone(
        image_shape=(side, side, 3),
        patch_size=config["patch_size"],
        num_layers=config["num_hidden_layers"],
        num_heads=config["num_attention_heads"],
        hidden_dim=config["hidden_size"],
        mlp_dim=config["intermediate_size"],
        layer_norm_epsilon=config.get("layer_norm_eps", 1e-12),
        dtype="float32",
    )
    return keras_hub.models.ViTImageClassifier(backbone, num_classes=len(LABELS))


def _places_of_vit(made: Any) -> Iterator[Place]:
    embedding, encoder = made.backbone.layers[1], made.backbone.layers[2]
    yield embedding.patch_embedding.kernel, "vit.embeddings.patch_embeddings.projection.weight", _kernel
    yield embedding.patch_embedding.bias, "vit.embeddings.patch_embeddings.projection.bias", _as_it_is
    yield embedding.class_token, "vit.embeddings.cls_token", _as_it_is
    yield embedding.position_embedding.embeddings, "vit.embeddings.position_embeddings", lambda values: values[0]
    for number, block in enumerate(encoder.encoder_layers):
        name, attention = f"vit.encoder.layer.{number}", block.mha
        for part in ("query", "key", "value"):
            layer = getattr(attention, f"{part}_dense")
            told = f"{name}.attention.attention.{part}"
            yield layer.kernel, f"{told}.weight", partial(_heads, to=layer.kernel)
            yield layer.bias, f"{told}.bias", partial(_heads, to=layer.bias)
        output = attention.output_dense
        told = f"{name}.attention.output.dense"
        yield output.kernel, f"{told}.weight", partial(_heads, to=output.kernel)
        yield output.bias, f"{told}.bias", _as_it_is
        yield from _norm(block.layer_norm_1, f"{name}.layernorm_before")
        yield from _norm(block.layer_norm_2, f"{name}.layernorm_after")
        yield from _dense(block.mlp.dense_1, f"{name}.intermediate.dense")
        yield from _dense(block.mlp.dense_2, f"{name}.output.dense")
    yield from _norm(encoder.layer_norm, "vit.layernorm")
    yield from _dense(made.output_dense, "classifier")


def _resnet(config: Facts) -> "keras.Model":
    import keras_hub

    narrower = 4 if config.get("layer_type", "bottleneck") == "bottleneck" else 1
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[config["embedding_size"]],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[size // narrower for size in config["hidden_sizes"]],
        stackwise_num_blocks=list(config["depths"]),
        stackwise_num_strides=[1] + [2] * (len(config["depths"]) - 1),
        block_type="bottleneck_block" if narrower > 1 else "basic_block",
        dtype="float32",
    )
    return keras_hub.models.ResNetImageClassifier(backbone, num_classes=len(LABELS))


def _places_of_resnet(made: Any) -> Iterator[Place]:
    backbone = made.backbone

    def convolution(layer: str, name: str) -> Iterator[Place]:
        yield backbone.get_layer(f"{layer}_conv").kernel, f"{name}.convolution.weight", _kernel
        norm = backbone.get_layer(f"{layer}_bn")
        yield from _norm(norm, f"{name}.normalization")
        yield norm.moving_mean, f"{name}.normalization.running_mean", _as_it_is
        yield norm.moving_variance, f"{name}.normalization.running_var", _as_it_is

    yield from convolution("conv1", "resnet.embedder.embedder")
    known = {layer.name for layer in backbone.layers}
    for stage, blocks in enumerate(backbone.stackwise_num_blocks):
        for number in range(blocks):
            ours, theirs = f"stack{stage}_block{number}", f"resnet.encoder.stages.{stage}.layers.{number}"
            if f"{ours}_0_conv" in known:
                yield from convolution(f"{ours}_0", f"{theirs}.shortcut")
            for step in range(3):
                if f"{ours}_{step + 1}_conv" in known:
                    yield from convolution(f"{ours}_{step + 1}", f"{theirs}.layer.{step}")
    yield from _dense(made.output_dense, "classifier.1")


FAMILIES: Mapping[str, Family] = {
    "vit": Family(
        {"hidden_act": ("gelu",), "qkv_bias": (True,), "num_channels": (3,)},
        _vit,
        _places_of_vit,
    ),
    "resnet": Family(
        {
            "hidden_act": ("relu",),
            "embedding_size": (64,),
            "num_channels": (3,),
            "layer_type": ("bottleneck", "basic"),
            "downsample_in_first_stage": (False,),
            "downsample_in_bottleneck": (False,),
        },
        _resnet,
        _places_of_resnet,
    ),
}
"""By Hugging Face's `model_type`."""
