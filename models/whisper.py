"""Whisper: keras-hub's backbone behind its log-mel spectrogram, and where each of its weights belongs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.weights import Place, fill

if TYPE_CHECKING:
    import keras

SAMPLE_RATE, WINDOW_S = 16_000, 30
CONTEXT_TOKENS = 448
MARKS = 5  # around a text: start, language, task, whether there are times, end
FRAMES = 3000
TIMES = 1501
"""Tokens of times, from 0.00 s to 30.00 s."""
_MODEL = "model"
_PARTS = (  # of keras-hub's backbone, by which it is used here
    "encoder_conv_layer_1",
    "encoder_conv_layer_2",
    "encoder_padder",
    "encoder_position_embedding",
    "encoder_embeddings_add",
    "encoder_transformer_layers",
    "encoder_layer_norm",
    "decoder_embeddings",
    "token_embedding",
    "num_heads",
    "hidden_dim",
    "num_mels",
)


@dataclass(frozen=True)
class WhisperSize:
    """`layers` are the encoder's; the decoder has as many, or `decoder_layers`, which are fewer then."""

    vocabulary: int
    layers: int
    heads: int
    width: int
    mels: int
    decoder_layers: int | None = None

    @property
    def upper_heads(self) -> tuple[tuple[int, int], ...]:
        """Of the upper half of the decoder's layers all heads, as pairs of both."""
        layers = self.decoder_layers or self.layers
        return tuple(product(range(layers // 2, layers), range(self.heads)))


def whisper_backbone(size: WhisperSize) -> "keras.Model":
    """keras-hub's, or one with its layers whose decoder is shorter."""
    from keras_hub.models import WhisperBackbone

    whole = WhisperBackbone(
        vocabulary_size=size.vocabulary,
        num_layers=size.layers,
        num_heads=size.heads,
        hidden_dim=size.width,
        intermediate_dim=4 * size.width,
        num_mels=size.mels,
        max_encoder_sequence_length=FRAMES,
        max_decoder_sequence_length=CONTEXT_TOKENS,
        name="backbone",
    )
    return whole if size.decoder_layers in (None, size.layers) else _shortened(whole, size.decoder_layers)


def _shortened(whole: Any, layers: int) -> "keras.Model":
    """keras-hub has no Whisper whose decoder has fewer layers than its encoder, as large-v3-turbo and those that were
    distilled have."""
    import keras

    given, heard = whole.input, whole.output["encoder_sequence_output"]
    kept = whole.decoder_transformer_layers[:layers]
    x = whole.decoder_embeddings(given["decoder_token_ids"])
    for layer in kept:
        x = layer(decoder_sequence=x, encoder_sequence=heard, decoder_padding_mask=given["decoder_padding_mask"])
    norm = type(whole.decoder_layer_norm).from_config(whole.decoder_layer_norm.get_config())
    states = {"encoder_sequence_output": heard, "decoder_sequence_output": norm(x)}
    shorter = keras.Model(given, states, name=whole.name)
    for name in _PARTS:
        setattr(shorter, name, getattr(whole, name))
    shorter.decoder_transformer_layers, shorter.decoder_layer_norm = kept, norm
    for layer in shorter.layers:  # each knows who reads it: what was cut away would be kept
        layer._outbound_nodes = [node for node in layer._outbound_nodes if node.operation in shorter.operations]
    return shorter


def fill_whisper(backbone: Any, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """`weights` by their names in PyTorch. Raises `UnfitWeightsError`."""
    fill(dict(_places(backbone)), weights, unused=("proj_out.",))


def _places(backbone: Any) -> Iterator[tuple[str, Place]]:
    encoder, decoder = f"{_MODEL}.encoder", f"{_MODEL}.decoder"
    yield from _dense(f"{encoder}.conv1", backbone.encoder_conv_layer_1)
    yield from _dense(f"{encoder}.conv2", backbone.encoder_conv_layer_2)
    yield f"{encoder}.embed_positions.weight", Place(backbone.encoder_position_embedding.position_embeddings)
    for number, layer in enumerate(backbone.encoder_transformer_layers):
        yield from _block(f"{encoder}.layers.{number}", layer)
    yield from _norm(f"{encoder}.layer_norm", backbone.encoder_layer_norm)
    yield f"{decoder}.embed_tokens.weight", Place(backbone.token_embedding.embeddings)
    positions = backbone.decoder_embeddings.position_embedding.position_embeddings
    yield f"{decoder}.embed_positions.weight", Place(positions)
    for number, layer in enumerate(backbone.decoder_transformer_layers):
        name = f"{decoder}.layers.{number}"
        yield from _block(name, layer)
        yield from _attention(f"{name}.encoder_attn", layer._cross_attention_layer)
        yield from _norm(f"{name}.encoder_attn_layer_norm", layer._cross_attention_layer_norm)
    yield from _norm(f"{decoder}.layer_norm", backbone.decoder_layer_norm)


def _block(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    yield from _attention(f"{name}.self_attn", layer._self_attention_layer)
    yield from _norm(f"{name}.self_attn_layer_norm", layer._self_attention_layer_norm)
    yield from _dense(f"{name}.fc1", layer._feedforward_intermediate_dense)
    yield from _dense(f"{name}.fc2", layer._feedforward_output_dense)
    yield from _norm(f"{name}.final_layer_norm", layer._feedforward_layer_norm)


def _attention(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    yield from _dense(f"{name}.q_proj", layer._query_dense)
    yield f"{name}.k_proj.weight", Place(layer._key_dense.kernel, kernel=True)
    yield from _dense(f"{name}.v_proj", layer._value_dense)
    yield from _dense(f"{name}.out_proj", layer._output_dense)


def _dense(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    yield f"{name}.weight", Place(layer.kernel, kernel=True)
    yield f"{name}.bias", Place(layer.bias)


def _norm(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    yield f"{name}.weight", Place(layer.gamma)
    yield f"{name}.bias", Place(layer.beta)


def whisper(backbone: Any, start_id: int) -> "keras.Model":
    """float32 `[batch, samples]` at 16 kHz, 30 s at most, to the logits `[batch, vocabulary]` of the first token of
    what is said; what follows is written by `models.listening`."""
    import keras

    from models.log_mel import LogMel

    samples = keras.Input((None,), dtype="float32", name="samples")
    spectrum = LogMel(backbone.num_mels, name="log_mel")(samples)
    start = keras.ops.full_like(keras.ops.cast(spectrum[:, :1, 0], "int32"), start_id)
    states = backbone(
        {
            "encoder_features": spectrum,
            "decoder_token_ids": start,
            "decoder_padding_mask": keras.ops.ones_like(start),
        }
    )["decoder_sequence_output"]
    return keras.Model(samples, backbone.token_embedding(states[:, -1], reverse=True), name="whisper")
