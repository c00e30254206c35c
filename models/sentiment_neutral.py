"""`sentiment-neutral`: is a text negative, neutral or positive? As `sentiment` by MiniLM, with a third label."""

from dataclasses import replace
from typing import TYPE_CHECKING

from models import sentiment_minilm
from models.bert_classifier import explain_bert
from models.sentiment_minilm import EncoderConfig, encoder_of

if TYPE_CHECKING:
    import keras


class SentimentNeutralConfig(EncoderConfig):
    pass


def build(config: SentimentNeutralConfig) -> "keras.Model":
    """int32 `[batch, tokens]`, padded with 0 at the end, to logits `[batch, 3]`. Padding never changes an answer."""
    return encoder_of(config, len(SPEC.labels), "sentiment_neutral")


SPEC = replace(
    sentiment_minilm.SPEC,
    name="sentiment-neutral",
    network=None,
    description=(
        "Whether an English sentence (a review, a tweet, a comment, a headline) is negative, neutral or positive."
    ),
    limits=(
        *(limit for limit in sentiment_minilm.SPEC.limits if "neutral" not in limit),
        "Neutral are texts whose raters are less than half a step from the middle of their scale of nine on average: "
        "those without any tone, and those over which they disagreed.",
    ),
    labels=("negative", "neutral", "positive"),
    config=SentimentNeutralConfig,
    build=build,
    explain=explain_bert,
)
