"""`sentiment` by a pretrained encoder: all-MiniLM-L6-v2, trained on with a head of its own."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from models import sentiment
from models.bert import MINILM, MINILM_ORIGIN, PAD_ID
from models.bert_classifier import bert_classifier, explain_bert
from models.spec import Fraction, TrainConfig
from processing.spec import TextSpec

if TYPE_CHECKING:
    import keras


class EncoderConfig(TrainConfig):
    """Attributes:

    layers: so many of the encoder's, from below; fewer are faster and less accurate.
    max_tokens: texts are cut there, [CLS] and [SEP] counted.
    dropout: the share of the pooled features hidden in training.
    clean: texts are cleaned before anything else, by the tokenizer (`processing.cleaning`).
    """

    layers: Annotated[int, Field(ge=1, le=MINILM.layers)]
    max_tokens: Annotated[int, Field(ge=3, le=MINILM.positions)]
    dropout: Fraction
    clean: bool = False


class SentimentMinilmConfig(EncoderConfig):
    network: Literal["minilm"]


def build(config: SentimentMinilmConfig) -> "keras.Model":
    """int32 `[batch, tokens]`, padded with 0 at the end, to logits `[batch, 2]`, the second above the first by
    the rating. Padding never changes an answer."""
    return encoder_of(config, len(sentiment.SPEC.labels), "sentiment")


def encoder_of(config: EncoderConfig, labels: int, name: str) -> "keras.Model":
    size = MINILM.model_copy(update={"layers": config.layers})
    return bert_classifier(size, labels, dropout=config.dropout, name=name)


def processing(config: EncoderConfig) -> TextSpec:
    return TextSpec(max_tokens=config.max_tokens, pad_id=PAD_ID)


SPEC = replace(
    sentiment.SPEC,
    network="minilm",
    limits=(
        "English only.",
        "There is no neutral answer: a text without any tone is called negative or positive, too.",
        "Irony misleads it, and so do texts of which one half is for and the other against.",
        "Raters of the years before 2014 decided what is positive; words have come since, and others have changed.",
        "It has the prejudices of the pages of the Web that its encoder read, and names of groups of people can carry "
        "a tone. Not for decisions about persons.",
        "Long texts are cut after the number of tokens that the configuration names. It was trained on sentences: "
        "99 in 100 of its texts have 42 words or fewer.",
        "The word [PAD] in a text is not read.",
    ),
    origins=(
        *sentiment.SPEC.origins,
        MINILM_ORIGIN,
    ),
    config=SentimentMinilmConfig,
    build=build,
    processing=processing,
    explain=explain_bert,
)
