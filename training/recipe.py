"""What training asks of a model's data: batches, measurements, examples."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from models.example import Example
from models.spec import Frozen
from training.evaluation import Measured
from training.progress import Progress

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Array = NDArray[Any]


class DataFacts(Frozen):
    """Which data was used. `source` says where it was had from, `sha256` is of its content or of its package."""

    name: str
    source: str
    sha256: str
    training_rows: int
    held_out_rows: int


class Recipe(Protocol):
    """One model's data under one configuration. Everything is a function of the configuration, its seed included.

    `tokenizer` is the document of a text model, None for others. `chat_template` is how a model that chats was told
    of messages, None for others.
    """

    facts: DataFacts
    tokenizer: str | None
    chat_template: str | None

    def prepare(self, model: "keras.Model") -> None:
        """Gives a fresh model what is known before training: of a model that is imported, all its weights."""
        ...

    def held_out(self) -> tuple[Array, Array]:
        """Inputs and targets that are held out: on them the loss is followed while training."""
        ...

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured: ...

    def examples(self) -> tuple[list[Example], Array]:
        """Several held-out requests for each label, 64 in all where there are as many, from which an export takes its
        goldens; and for each, in a batch, the model's input as training makes it."""
        ...


@runtime_checkable
class TrainingRecipe(Recipe, Protocol):
    """Of a model that is trained here; one that is not has no more to learn after `prepare`.

    `pad` is what fills the shorter rows at their ends; None where rows have one shape.
    """

    pad: int | None

    def loss(self) -> "keras.losses.Loss": ...

    def epoch(self, number: int) -> tuple[Array, Array]:
        """Inputs and targets of an epoch, counted from 0, in the order of training."""
        ...


@runtime_checkable
class AugmentingRecipe(TrainingRecipe, Protocol):
    """Of a model whose rows are changed at random on their way into it, beside the training that goes on."""

    def augmented(self, batches: "tf.data.Dataset", number: int) -> "tf.data.Dataset":
        """The batches of an epoch, changed as its number and the seed alone say."""
        ...


@runtime_checkable
class UpperRecipe(TrainingRecipe, Protocol):
    """Of a model whose lower layers keep the weights they came with: what these make of a row is computed once, and
    `epoch` and `followed` have that instead of the row. In the first epoch the head alone is trained."""

    def upper(self, model: "keras.Model") -> "keras.Model":
        """The layers of a prepared model that are trained, and those between them."""
        ...

    def fit_head(self, upper: "keras.Model") -> float:
        """Returns the mean loss of the training rows."""
        ...

    def followed(self) -> tuple[Array, Array]:
        """As `held_out`, for the layers that are trained."""
        ...


@runtime_checkable
class JudgingRecipe(TrainingRecipe, Protocol):
    """Of a model whose answer to a row is more than a label: its trials are compared by something else than accuracy,
    which `measure` names."""

    measure: str

    def judged(self, model: "keras.Model") -> float:
        """On the held-out rows, the better the higher."""
        ...


@dataclass(frozen=True)
class RecipeMaker:
    """`data_sha256` pins the data without fetching it; `make` takes configuration, cache folder, progress, and the
    tokenizer of the run when it has one already. `for_trials` makes a recipe of the training rows alone: some of
    them are its held-out rows, and the true ones are not looked at; None for a model that is not trained here."""

    data_sha256: str
    make: Callable[[Any, Path, Progress, str | None], Recipe]
    for_trials: Callable[[Any, Path, Progress], TrainingRecipe] | None
