"""A catalogue entry: what a model is, what can be set about its training, and how its network is built."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.explanation import Opened
from processing.spec import ExportedSpec

if TYPE_CHECKING:
    import keras

Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(gt=0)]


class Frozen(BaseModel):
    """A value object; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LearningRates(Frozen):
    """Where each optimiser begins; the rate falls to zero along a half cosine until the end of the training.

    `muon` is of the matrices alone, None for a model that was not tried with it.
    """

    adam: Rate
    sgd: Rate
    muon: Rate | None = None


class ModelConfig(Frozen):
    """What can be set about every model. The values come from `training/presets/<model>.toml`.

    `rows` keeps only that many rows of the training data and of the held-out data, for trials; None keeps all.
    """

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    rows: Count | None = None

    def told(self) -> dict[str, Any]:
        """The settings as a card tells them to everybody."""
        return self.model_dump(mode="json")


class LanguageConfig(ModelConfig):
    """What can be set about every language model.

    `context_tokens`: prompt and continuation together. `slots`: so many texts at once a model server keeps, each with
    room for so many tokens; the memory for all of them is taken when the version is loaded.
    """

    context_tokens: Annotated[int, Field(ge=2)]
    slots: Annotated[int, Field(ge=1, le=1024)]


class DetectorConfig(ModelConfig):
    """What can be set about every detector, see `models.detection.Choice`."""

    most: Annotated[int, Field(ge=1, le=1000)]
    least_score: Fraction
    iou_threshold: Annotated[float, Field(gt=0, le=1)]


class TrainConfig(ModelConfig):
    """What can be set about every model that is trained here.

    `sgd` is plain gradient descent, `adam` Adam with bias correction; `muon` takes the matrices between layers by the
    nearest orthogonal one to their mean gradient, and all else by Adam at Adam's rate. In the share `warm_up` of all
    steps the rate climbs evenly from 0 to where it begins to fall. In each step rate · `weight_decay` of a weight is
    taken away, by `muon` of the matrices alone. `precision` is that of the layers' products while training: weights,
    and whatever is served, are float32. `fastest` is bfloat16 where a machine multiplies that in hardware.
    """

    epochs: Count
    batch_size: Count
    optimizer: Literal["adam", "sgd", "muon"]
    learning_rate: LearningRates
    warm_up: Fraction = 0.0
    weight_decay: Fraction = 0.0
    precision: Literal["float32", "bfloat16", "fastest"] = "float32"

    @model_validator(mode="after")
    def _has_its_rate(self) -> Self:
        if self.optimizer == "muon" and self.learning_rate.muon is None:
            raise ValueError("the optimizer muon needs a learning_rate.muon")
        return self


class PatientConfig(TrainConfig):
    """What can be set about a model whose training may end before its last epoch.

    `patience`: it does after so many epochs in a row in which the loss on the held-out rows, which are then not those
    that it is measured on, has not fallen below its least. The weights of that epoch are what remains.
    """

    patience: Count


class SpottingConfig(TrainConfig):
    """What can be set about a small network on the speech embedding, see `models.spotting`.

    `views`: of each recording that is learnt from, each another way to hear it. `dropout` is of the network's only
    layer.
    """

    views: Count
    dropout: Fraction


@dataclass(frozen=True)
class Origin:
    """Where training data or weights come from, and under which terms."""

    licence: str
    source: str
    url: str | None = None
    attribution: str | None = None


@dataclass(frozen=True)
class ModelSpec:
    """One model that can be trained, or whose weights can be imported.

    Attributes:
        network: which of several networks under this name; None for the one that is meant where none is named. A
            preset names it in its setting `network`.
        labels: of a classifier or a detector; empty for a model that answers vectors, or the token that follows.
        intended_use: for whom and for what it is meant, in a sentence or two of its card.
        limits: what it cannot do or was not made for, a sentence each.
        config: the type of its configuration; a `TrainConfig` if it is trained here.
        build: a configuration to a fresh Keras model with one input, named as in `processing`, and logits, vectors or
            candidates out.
        processing: a configuration to the document that tells how raw input becomes that input.
        explain: opens a model that `build` made, so that its answers can be explained; or says why there is no way.
        licence_unclear: the user must accept the terms of `origins` first.
        languages: those of texts that it knows, by their ISO 639 codes; empty where nobody says. A model that
            translates knows the one that it translates from.
        multi_label: several labels may be right, or none; a probability is of each by itself.
        of: of an entry that takes a user's own data or weights: a configuration to that user's model, which has a name
            of its own. None for the others.
        family: its name in the catalogue where it is served under another, else None.
    """

    name: str
    task: str
    description: str
    intended_use: str
    limits: tuple[str, ...]
    labels: tuple[str, ...]
    origins: tuple[Origin, ...]
    config: type[ModelConfig]
    build: "Callable[[Any], keras.Model]"
    processing: Callable[[Any], ExportedSpec]
    explain: "Callable[[keras.Model], Opened] | str" = "nothing tells where its network could be opened"
    licence_unclear: bool = False
    network: str | None = None
    multi_label: bool = False
    languages: tuple[str, ...] = ()
    of: "Callable[[Any], ModelSpec] | None" = None
    family: str | None = None

    @property
    def model(self) -> str:
        """Its name in the catalogue."""
        return self.family or self.name

    @property
    def entry(self) -> str:
        """What its preset and its search space are called, without the ending."""
        return self.model if self.network is None else f"{self.model}-{self.network}"
