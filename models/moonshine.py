"""Moonshine: keras-hub's backbone, which hears samples as they are, and where each of its weights belongs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.weights import Place, fill

if TYPE_CHECKING:
    import keras

SAMPLE_RATE, WINDOW_S = 16_000, 30
CONVOLUTIONS = ((127, 64), (7, 3), (3, 2))
"""What each of the front end hears at once, and how far apart."""
SHORTEST = 895
"""Samples: what gives one place to the encoder."""
_MODEL = "model"


@dataclass(frozen=True)
class MoonshineSize:
    """`turned`: so much of each head is turned by its place. `head_multiple`: heads are filled up to one of it."""

    vocabulary: int
    width: int
    encoder_layers: int
    decoder_layers: int
    encoder_heads: int
    decoder_heads: int
    turned: float
    head_multiple: int | None = None


def moonshine_backbone(size: MoonshineSize) -> "keras.Model":
    """keras-hub's."""
    from keras_hub.models import MoonshineBackbone

    backbone: keras.Model = MoonshineBackbone(
        vocabulary_size=size.vocabulary,
        filter_dim=size.width,
        encoder_num_layers=size.encoder_layers,
        decoder_num_layers=size.decoder_layers,
        hidden_dim=size.width,
        intermediate_dim=4 * size.width,
        encoder_num_heads=size.encoder_heads,
        decoder_num_heads=size.decoder_heads,
        pad_head_dim_to_multiple_of=size.head_multiple,
        partial_rotary_factor=size.turned,
        dtype="float32",
        name="backbone",
    )
    return backbone


def fill_moonshine(backbone: Any, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """`weights` by their names in PyTorch. Raises `UnfitWeightsError`."""
    fill(dict(_places(backbone)), weights, unused=("proj_out.",))


def _places(backbone: Any) -> Iterator[tuple[str, Place]]:
    encoder, decoder = f"{_MODEL}.encoder", f"{_MODEL}.decoder"
    yield f"{encoder}.conv1.weight", Place(backbone.conv1.kernel, kernel=True)
    yield f"{encoder}.groupnorm.weight", Place(backbone.group_norm.gamma)
    yield f"{encoder}.groupnorm.bias", Place(backbone.group_norm.beta)
    yield from _dense(f"{encoder}.conv2", backbone.conv2)
    yield from _dense(f"{encoder}.conv3", backbone.conv3)
    for number, layer in enumerate(backbone.encoder_blocks):
        name = f"{encoder}.layers.{number}"
        yield from _attention(f"{name}.self_attn", layer.self_attention_layer)
        yield f"{name}.input_layernorm.weight", Place(layer.self_attention_layer_norm.gamma)
        yield f"{name}.post_attention_layernorm.weight", Place(layer.feedforward_layer_norm.gamma)
        yield from _inner(name, layer.feedforward)
    yield f"{encoder}.layer_norm.weight", Place(backbone.encoder_final_layer_norm.gamma)
    yield f"{decoder}.embed_tokens.weight", Place(backbone.token_embedding.embeddings)
    for number, layer in enumerate(backbone.decoder_blocks):
        name = f"{decoder}.layers.{number}"
        yield from _attention(f"{name}.self_attn", layer.self_attention)
        yield from _attention(f"{name}.encoder_attn", layer.cross_attention)
        yield f"{name}.input_layernorm.weight", Place(layer.norm1.gamma)
        yield f"{name}.post_attention_layernorm.weight", Place(layer.norm2.gamma)
        yield f"{name}.final_layernorm.weight", Place(layer.norm3.gamma)
        yield from _inner(name, layer.ff)
    yield f"{decoder}.norm.weight", Place(backbone.decoder_post_norm.gamma)


def _attention(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    for part, dense in (("q", layer._query_dense), ("k", layer._key_dense), ("v", layer._value_dense)):
        yield f"{name}.{part}_proj.weight", Place(dense.kernel, kernel=True)
    yield f"{name}.o_proj.weight", Place(layer._output_dense.kernel, kernel=True)


def _inner(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    yield from _dense(f"{name}.mlp.fc1", layer.dense_1)
    yield from _dense(f"{name}.mlp.fc2", layer.dense_2)


def _dense(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    yield f"{name}.weight", Place(layer.kernel, kernel=True)
    yield f"{name}.bias", Place(layer.bias)


def moonshine(backbone: Any, start_id: int) -> "keras.Model":
    """float32 `[batch, samples]` at 16 kHz, `SHORTEST` at least and all of one length, to the logits `[batch,
    vocabulary]` of the first token of what is said; what follows is written by `models.moonshine_listening`."""
    import keras

    samples = keras.Input((None,), dtype="float32", name="samples")
    start = keras.ops.full_like(keras.ops.cast(samples[:, :1], "int32"), start_id)
    states = backbone(
        {
            "encoder_input_values": keras.ops.expand_dims(samples, -1),
            "encoder_padding_mask": keras.ops.ones_like(samples, dtype="bool"),
            "decoder_token_ids": start,
            "decoder_padding_mask": keras.ops.ones_like(start, dtype="bool"),
        }
    )["decoder_sequence_output"]
    return keras.Model(samples, backbone.token_embedding(states[:, -1], reverse=True), name="moonshine")
