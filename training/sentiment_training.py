"""How each network of `sentiment` is trained: what it begins with, and what it is to answer to a rated text."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from models import sentiment, sentiment_minilm
from models.bert import fill_bert, first_layers
from models.bert_classifier import explain_bert
from models.sentiment import SentimentConfig
from models.sentiment_minilm import EncoderConfig
from processing.cleaning import with_cleaning
from processing.spec import TextSpec
from training.adversarial import Embedded
from training.data import minilm
from training.data.minilm import MiniLM
from training.tones import tones_of
from training.vocabulary import make_tokenizer

if TYPE_CHECKING:
    import keras

_NEGATIONS = ("not", "no", "never", "without", "nor", "cannot", "neither", "hardly", "t")  # "t" of don't, isn't, …
_NEGATION = (-1.2, -0.8, -0.4)  # what one, two and three words after it start with


class SentimentTraining(Protocol):
    @property
    def alike(self) -> bool:
        """Whether batches are made of texts of like length, because a token costs much."""
        ...

    def processing(self) -> TextSpec: ...

    def tokenizer(self, texts: Iterable[str]) -> str:
        """The document `tokenizer.json` of a new run that is trained on `texts`."""
        ...

    def prepare(self, model: "keras.Model", tokenizer: str) -> None:
        """Gives a fresh model what is known before training."""
        ...

    def targets(self, ratings: NDArray[np.float64]) -> NDArray[np.float32]:
        """For mean ratings −4…4 what is to be answered, `[n, labels]`; the greatest is that of the label."""
        ...

    def loss(self) -> "keras.losses.Loss": ...

    def embedded(self, model: "keras.Model") -> Embedded:
        """Where the word vectors of a model can be attacked."""
        ...


@dataclass(frozen=True)
class LexiconTraining:
    """From the lexicon's valences, and negations that turn what follows, to probabilities."""

    config: SentimentConfig
    lexicon: Mapping[str, float]
    alike: bool = False

    def processing(self) -> TextSpec:
        return sentiment.processing(self.config)

    def tokenizer(self, texts: Iterable[str]) -> str:
        return make_tokenizer(texts, self.lexicon, self.config.vocabulary, clean=self.config.clean)

    def prepare(self, model: "keras.Model", tokenizer: str) -> None:
        words = model.get_layer("words")
        entries: dict[str, int] = json.loads(tokenizer)["model"]["vocab"]
        lexicon = np.zeros(words.lexicon.shape, np.float32)
        for word, valence in self.lexicon.items():
            if word in entries:
                lexicon[entries[word]] = valence
        shifters = np.zeros(words.shifters.shape, np.float32)
        shifters[[entries[word] for word in _NEGATIONS if word in entries]] = _NEGATION
        words.lexicon.assign(lexicon)
        words.shifters.assign(shifters)

    def targets(self, ratings: NDArray[np.float64]) -> NDArray[np.float32]:
        """sigmoid(∓ steepness · rating)."""
        positive = 1 / (1 + np.exp(-self.config.steepness * ratings))
        return np.stack([1 - positive, positive], axis=1).astype(np.float32)

    def loss(self) -> "keras.losses.Loss":
        import keras

        return keras.losses.CategoricalCrossentropy(from_logits=True)

    def embedded(self, model: "keras.Model") -> Embedded:
        import keras

        words = model.get_layer("words")
        rest = keras.Model([words.output, *model.inputs], model.outputs[0])
        return Embedded(words, lambda token_ids, vectors: rest([vectors, token_ids], training=False))


@dataclass(frozen=True)
class MinilmTraining:
    """From the weights of all-MiniLM-L6-v2 to logits that are the rating itself: so they tell texts apart that lie
    near each other, which probabilities near 0 or 1 do not."""

    config: EncoderConfig
    load: Callable[[], MiniLM]
    alike: bool = True

    def processing(self) -> TextSpec:
        return sentiment_minilm.processing(self.config)

    def tokenizer(self, _texts: Iterable[str]) -> str:
        tokenizer = self.load().tokenizer
        return with_cleaning(tokenizer) if self.config.clean else tokenizer

    def prepare(self, model: "keras.Model", _tokenizer: str) -> None:
        fill_bert(model.get_layer("bert"), first_layers(self.load().weights, self.config.layers))

    def targets(self, ratings: NDArray[np.float64]) -> NDArray[np.float32]:
        return tones_of(self.config).logits(ratings)

    def loss(self) -> "keras.losses.Loss":
        import keras

        return keras.losses.MeanSquaredError()

    def embedded(self, model: "keras.Model") -> Embedded:
        opened = explain_bert(model)
        return Embedded(lambda ids: opened.embed(ids)[0], lambda ids, vectors: opened.logits((vectors,), ids))


def training_of(
    config: SentimentConfig | EncoderConfig, lexicon: Mapping[str, float], cache: Path
) -> SentimentTraining:
    match config:
        case EncoderConfig():
            return MinilmTraining(config, lambda: minilm.load(cache))
        case SentimentConfig():
            return LexiconTraining(config, lexicon)
