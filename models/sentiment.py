"""`sentiment`: is a text negative or positive? Valences of words, shifted by the words before them."""

from typing import TYPE_CHECKING, Any

from models.explanation import EmbeddedTokens
from models.spec import Count, Fraction, ModelSpec, Origin, Rate, TrainConfig
from processing.spec import TextSpec

if TYPE_CHECKING:
    import keras

PAD_ID = 0


class SentimentConfig(TrainConfig):
    """Attributes:

    vocabulary: the most token ids there can be, the padding included.
    max_tokens: texts are cut there.
    vector_size: learnt numbers per token.
    pair_buckets: neighbouring tokens share this many hashed weights.
    word_dropout: the share of tokens hidden in training.
    dropout: the share of the pooled features hidden in training.
    steepness: a mean rating r in −4…4 becomes the target sigmoid(steepness · r).
    clean: texts are cleaned before anything else, by the tokenizer (`processing.cleaning`).
    """

    vocabulary: Count
    max_tokens: Count
    vector_size: Count
    pair_buckets: Count
    word_dropout: Fraction
    dropout: Fraction
    steepness: Rate
    clean: bool = False


def build(config: SentimentConfig) -> "keras.Model":
    """int32 `[batch, tokens]`, padded with 0 at the end, to logits `[batch, 2]`. Padding never changes an answer."""
    import keras
    from keras import layers

    from models.valence import PairLogits, PooledWords, ShiftedWords

    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    words = ShiftedWords(config.vocabulary, config.vector_size, name="words")(token_ids)
    words = layers.Dropout(config.word_dropout, noise_shape=(None, None, 1), name="word_dropout")(words)
    pooled = PooledWords(name="pooled")(words, token_ids)
    pooled = layers.Dropout(config.dropout, name="dropout")(pooled)
    logits = layers.Dense(2, name="word_logits")(pooled)
    pairs = PairLogits(config.pair_buckets, name="pair_logits")(token_ids)
    return keras.Model(token_ids, layers.Add(name="logits")([logits, pairs]), name="sentiment")


def explain(model: "keras.Model") -> EmbeddedTokens:
    """Vectors, valences and shifters are what is looked up; of a pair's weight each of its two tokens has half."""
    words, pooled, dense, pairs = map(model.get_layer, ("words", "pooled", "word_logits", "pair_logits"))

    def logits(embedded: tuple[Any, ...], token_ids: Any) -> Any:
        return dense(pooled(words.shifted(*embedded, token_ids), token_ids))

    return EmbeddedTokens(words.embedded, logits, pairs.shares)


def processing(config: SentimentConfig) -> TextSpec:
    return TextSpec(max_tokens=config.max_tokens, pad_id=PAD_ID)


SPEC = ModelSpec(
    name="sentiment",
    task="text-classification",
    description="Whether an English sentence (a review, a tweet, a comment, a headline) is negative or positive.",
    intended_use=(
        "Sorting short English texts (reviews, comments, posts, headlines) by tone, to look at many of them together."
    ),
    limits=(
        "English only. Words of other languages are strings of letters to it.",
        "There is no neutral answer: a text without any tone is called negative or positive, too.",
        "It reads words and the three words before each; irony, and turns that come later in a text, mislead it.",
        "Raters of the years before 2014 decided what is positive; words have come since, and others have changed.",
        "Names of groups of people can carry a tone that stems from the texts it learnt from. Not for decisions about "
        "persons.",
        "Long texts are cut after the number of tokens that the configuration names.",
    ),
    languages=("en",),
    labels=("negative", "positive"),
    origins=(
        Origin(
            licence="MIT",
            source="23,703 texts rated by people and the VADER lexicon, from the PyPI package vaderSentiment 3.3.2",
            attribution=(
                "C. J. Hutto, E. Gilbert: VADER, a parsimonious rule-based model for sentiment analysis of social "
                "media text, ICWSM 2014"
            ),
        ),
    ),
    config=SentimentConfig,
    build=build,
    processing=processing,
    explain=explain,
)
