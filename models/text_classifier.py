"""`text-classifier`: a user's own classifier of texts, by a pretrained encoder that is trained on with his rows."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from models.bert import MINILM_ORIGIN, PAD_ID, BertSize
from models.bert_classifier import bert_classifier, explain_bert
from models.spec import Count, Fraction, Frozen, ModelSpec, Origin, PatientConfig
from processing.spec import TextSpec

if TYPE_CHECKING:
    import keras

NAME = "text-classifier"
MINILM_BACKBONE = "minilm"

Share = Annotated[float, Field(gt=0, lt=0.5)]


class DataSource(Frozen):
    """Where the rows are, and what their columns mean.

    `separator` is between several labels of a row. `split_column` says of rows in which part they are. `encoding` and
    `delimiter` are of text files, None for what the file itself says.
    """

    file: Path
    sha256: str
    text_column: str
    label_column: str
    separator: Annotated[str, Field(min_length=1)] | None = None
    split_column: str | None = None
    encoding: str | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None


class Backbone(Frozen):
    """The pretrained encoder: how the user named it, its weights and tokenizer by their sha256, its size."""

    given: str
    sha256: str
    size: BertSize

    @property
    def name(self) -> str:
        """For others, who have no use for the folders of a machine."""
        return Path(self.given).name


class TextClassifierConfig(PatientConfig):
    """Attributes:

    name: what the model is called.
    labels: in the order in which answers have them; `multi_label` if a text may have several, or none.
    layers: so many of the encoder's, from below; fewer are faster.
    max_tokens: texts are cut there, [CLS] and [SEP] counted.
    dropout: the share of the pooled features hidden in training.
    validation_share, test_share: of the rows of each label.
    fewest_rows: a label of fewer is not learnt.
    licence: the terms of the rows.
    languages: those of the rows, by their ISO 639 codes; where none is said, those that are found in them.
    clean: texts are cleaned before anything else, by the tokenizer (`processing.cleaning`).
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    data: DataSource
    labels: Annotated[tuple[str, ...], Field(min_length=1)]
    multi_label: bool
    backbone: Backbone
    layers: Count
    max_tokens: Annotated[int, Field(ge=3)]
    dropout: Fraction
    validation_share: Share
    test_share: Share
    fewest_rows: Annotated[int, Field(ge=3)]
    licence: str
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...] = ()
    clean: bool = False  # as runs from before there was cleaning have it

    def told(self) -> dict[str, Any]:
        """Without the folders of the machine that trained it, and without the labels, which a card tells before."""
        told = super().told()
        told["data"]["file"], told["backbone"]["given"] = self.data.file.name, self.backbone.name
        return {name: value for name, value in told.items() if name != "labels"}

    @property
    def size(self) -> BertSize:
        """Of the encoder, as far as it is used."""
        whole = self.backbone.size
        return whole.model_copy(update={"layers": min(self.layers, whole.layers)})

    @property
    def length(self) -> int:
        """In tokens: not more than the encoder has places for."""
        return min(self.max_tokens, self.backbone.size.positions)


def build(config: TextClassifierConfig) -> "keras.Model":
    return bert_classifier(config.size, len(config.labels), dropout=config.dropout, name="text_classifier")


def processing(config: TextClassifierConfig) -> TextSpec:
    return TextSpec(max_tokens=config.length, pad_id=PAD_ID)


def own(config: TextClassifierConfig) -> ModelSpec:
    """The user's model."""
    of_backbone = Origin(licence="that of the backbone", source=f"pretrained weights: {config.backbone.name}")
    return replace(
        SPEC,
        name=config.name,
        family=NAME,
        description=f"Which of {len(config.labels)} labels a text has"
        + (", or which of them together." if config.multi_label else "."),
        labels=config.labels,
        multi_label=config.multi_label,
        languages=config.languages,
        origins=(
            Origin(licence=config.licence, source=f"{config.data.file.name}, rows of whoever trained it"),
            MINILM_ORIGIN if config.backbone.given == MINILM_BACKBONE else of_backbone,
        ),
    )


SPEC = ModelSpec(
    name=NAME,
    task="text-classification",
    description="A classifier of texts with labels of your own, trained on rows that you bring.",
    intended_use="Texts like those of its rows, and the labels that these have.",
    limits=(
        "It knows the labels of its rows and no other: a text of which none is right gets one all the same, unless a "
        "text may have several.",
        "It is as right as the labels of its rows, and on texts unlike these less than the figures below say.",
        "Long texts are cut after the number of tokens that the configuration names.",
        "It has the prejudices of the texts that its encoder read, and of its rows. Not for decisions about persons, "
        "unless somebody looked at that.",
        "The word [PAD] in a text is not read.",
    ),
    labels=(),
    origins=(MINILM_ORIGIN,),
    config=TextClassifierConfig,
    build=build,
    processing=processing,
    explain=explain_bert,
    of=own,
)
