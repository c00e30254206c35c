"""What the labels of `sentiment` mean: which ratings have which, and on which texts a network of them is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import sentiment, sentiment_neutral
from models.sentiment_neutral import SentimentNeutralConfig
from models.spec import ModelConfig, ModelSpec
from training.data.rated_texts import RatedText

_BORDER = 0.5  # rating: half of the way from neutral to slightly positive
_SURE = 1.5
_NEUTRAL = 0.25
_SOURCES = "held-out texts of film reviews, newspaper, tweets and product reviews"


@dataclass(frozen=True)
class Tones:
    """Of two labels, or of three with a `neutral` one between the borders.

    Ratings are means of raters, −4 (extremely negative) … 4.
    """

    neutral: bool

    @property
    def spec(self) -> ModelSpec:
        return sentiment_neutral.SPEC if self.neutral else sentiment.SPEC

    @property
    def test_name(self) -> str:
        return _SOURCES if self.neutral else f"{_SOURCES} with |rating| ≥ {_BORDER}"

    def measured(self, text: RatedText) -> bool:
        """Whether it has a label to be measured on."""
        return self.neutral or abs(text.rating) >= _BORDER

    def labels(self, texts: Sequence[RatedText]) -> NDArray[np.int32]:
        """The number of each text's label."""
        ratings = np.array([text.rating for text in texts], np.float64)
        if not self.neutral:
            return (ratings > 0).astype(np.int32)
        return (1 + (ratings >= _BORDER) - (ratings <= -_BORDER)).astype(np.int32)

    def is_sure(self, text: RatedText) -> bool:
        """Whether people agree on it."""
        return abs(text.rating) >= _SURE or (self.neutral and abs(text.rating) <= _NEUTRAL)

    def logits(self, ratings: NDArray[np.float64]) -> NDArray[np.float32]:
        """Those `[n, labels]` from which a rating can be read, and of which the label's own is the greatest.

        Of two labels the rating is the positive logit above the negative one; of three it is the positive one.
        """
        if not self.neutral:
            return np.stack([-ratings / 2, ratings / 2], axis=1).astype(np.float32)
        return np.stack([-ratings, np.full_like(ratings, _BORDER), ratings], axis=1).astype(np.float32)


def tones_of(config: ModelConfig) -> Tones:
    return Tones(isinstance(config, SentimentNeutralConfig))
