"""Llama: token ids to the logits of the token that follows, with weights as PyTorch names them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from models.language import BACKBONE, backbone_of, language_model
from models.weights import Place, fill

if TYPE_CHECKING:
    import keras
    from keras_hub.models import LlamaBackbone


@dataclass(frozen=True)
class LlamaSize:
    """How large a decoder is, and its two numbers that no weight shows.

    Attributes:
        key_value_heads: each serves as many of the `heads`.
        rope_base: the longest wavelength of the rotary embedding, in tokens / 2π.
        epsilon: of the RMS normalisation.
    """

    vocabulary: int
    layers: int
    heads: int
    key_value_heads: int
    width: int
    inner_width: int
    rope_base: float
    epsilon: float


def llama(size: LlamaSize) -> "keras.Model":
    """See `models.language.language_model`."""
    from keras_hub.models import LlamaBackbone

    backbone = LlamaBackbone(
        vocabulary_size=size.vocabulary,
        num_layers=size.layers,
        num_query_heads=size.heads,
        num_key_value_heads=size.key_value_heads,
        hidden_dim=size.width,
        intermediate_dim=size.inner_width,
        rope_max_wavelength=size.rope_base,
        layer_norm_epsilon=size.epsilon,
        tie_word_embeddings=True,
        name=BACKBONE,
    )
    return language_model(backbone, "llama")


def fill_llama(model: "keras.Model", weights: Mapping[str, NDArray[Any]]) -> None:
    """Gives a model that `llama` made all its weights.

    Raises:
        UnfitWeightsError: one is missing or of another shape, or there is one that has no place in the model.
    """
    fill(dict(_places(backbone_of(model))), weights)


def _places(backbone: "LlamaBackbone") -> Iterator[tuple[str, Place]]:
    """Each variable, by its name in PyTorch."""
    yield "model.embed_tokens.weight", Place(backbone.token_embedding.embeddings)
    for number, block in enumerate(backbone.transformer_layers):
        attention = block._self_attention_layer  # noqa: SLF001 (nothing public)
        dense = {
            "self_attn.q_proj": attention._query_dense,  # noqa: SLF001
            "self_attn.k_proj": attention._key_dense,  # noqa: SLF001
            "self_attn.v_proj": attention._value_dense,  # noqa: SLF001
            "self_attn.o_proj": attention._output_dense,  # noqa: SLF001
            "mlp.gate_proj": block._feedforward_gate_dense,  # noqa: SLF001
            "mlp.up_proj": block._feedforward_intermediate_dense,  # noqa: SLF001
            "mlp.down_proj": block._feedforward_output_dense,  # noqa: SLF001
        }
        norms = {
            "input_layernorm": block._self_attention_layernorm,  # noqa: SLF001
            "post_attention_layernorm": block._feedforward_layernorm,  # noqa: SLF001
        }
        for name, layer in dense.items():
            yield f"model.layers.{number}.{name}.weight", Place(layer.kernel, kernel=True)
        for name, layer in norms.items():
            yield f"model.layers.{number}.{name}.weight", Place(layer.scale)
    yield "model.norm.weight", Place(backbone.layer_norm.scale)
