"""A catalogue entry: what a model is, what can be set about its training, and how its network is built."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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
    """Where each optimiser begins; the rate falls to zero along a half cosine until the end of the training."""

    adam: Rate
    sgd: Rate


class ModelConfig(Frozen):
    """What can be set about every model. The values come from `training/presets/<model>.toml`.

    `rows` keeps only that many rows of the training data and of the held-out data, for trials; None keeps all.
    """

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    rows: Count | None = None


class LanguageConfig(ModelConfig):
    """What can be set about every language model.

    `context_tokens`: prompt and continuation together. `slots`: so many texts at once a model server keeps, each with
    room for so many tokens; the memory for all of them is taken when the version is loaded.
    """

    context_tokens: Annotated[int, Field(ge=2)]
    slots: Annotated[int, Field(ge=1, le=1024)]


class TrainConfig(ModelConfig):
    """What can be set about every model that is trained here.

    `sgd` is plain gradient descent, `adam` Adam with bias correction. In the share `warm_up` of all steps the rate
    climbs evenly from 0 to where it begins to fall.
    """

    epochs: Count
    batch_size: Count
    optimizer: Literal["adam", "sgd"]
    learning_rate: LearningRates
    warm_up: Fraction = 0.0


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
        labels: of a classifier; empty for a model that answers vectors, or the token that follows.
        intended_use: for whom and for what it is meant, in a sentence or two of its card.
        limits: what it cannot do or was not made for, a sentence each.
        config: the type of its configuration; a `TrainConfig` if it is trained here.
        build: a configuration to a fresh Keras model with one input, named as in `processing`, and logits or vectors
            out.
        processing: a configuration to the document that tells how raw input becomes that input.
        explain: opens a model that `build` made, so that its answers can be explained; or says why there is no way.
        licence_unclear: the user must accept the terms of `origins` first.
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

    @property
    def entry(self) -> str:
        """What its preset and its search space are called, without the ending."""
        return self.name if self.network is None else f"{self.name}-{self.network}"
