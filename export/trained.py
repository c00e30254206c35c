"""What an export is made from: a trained model and the evidence for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.goldens import Array
from models.example import Example, HeldOutRows
from models.spec import ModelConfig, ModelSpec
from store.evaluation import Evaluation, Labelled
from store.held_out import HeldOut
from store.manifest import Metric


@dataclass(frozen=True)
class EpochFacts:
    """One pass over the training data; `cpu_seconds` is None where it was not measured."""

    epoch: int
    loss: float
    held_out_loss: float
    seconds: float
    cpu_seconds: float | None


@dataclass(frozen=True)
class Evidence:
    """What training and evaluation left behind.

    Attributes:
        evaluation: of the file `measured`, which may say more of this very model.
        held_out: the answers to the rows of `evaluation`.
        plots: pictures of the evaluation as PNG, by name.
        data: what the training says of its data: name, source, rows.
        environment: the packages and the machine that trained.
    """

    evaluation: Evaluation
    measured: Path
    held_out: HeldOut
    plots: Mapping[str, Path]
    epochs: Sequence[EpochFacts]
    data: Mapping[str, Any]
    environment: Mapping[str, Any]

    @property
    def cpu_seconds(self) -> float | None:
        """Of all epochs, those before an interruption included; None where an epoch was not measured."""
        measured = [line.cpu_seconds for line in self.epochs if line.cpu_seconds is not None]
        return sum(measured) if measured and len(measured) == len(self.epochs) else None


@dataclass(frozen=True)
class Trained:
    """A finished run, as far as a version of it needs to know.

    Attributes:
        weights: the file of Keras weights for `spec.build(config)`.
        tokenizer: the document of a text model, None for others.
        chat_template: of a model that chats, None for others.
        examples: held-out requests from which the goldens are taken.
        inputs: a batch, the model's input for each of `examples` as training makes it.
        sample: held-out rows, on which a twin is verified besides.
        run: the run's name.
        evidence: None for a model that was not trained here.
    """

    spec: ModelSpec
    config: ModelConfig
    weights: Path
    tokenizer: str | None
    examples: Sequence[Example]
    inputs: Array
    metrics: Sequence[Metric]
    data_sha256: str
    code_commit: str
    run: str
    chat_template: str | None = None
    sample: HeldOutRows | None = None
    evidence: Evidence | None = None

    @property
    def temperature(self) -> float:
        """Of its probabilities; 1 where none was fitted."""
        evaluation = self.evidence.evaluation if self.evidence else None
        return evaluation.calibration.temperature if isinstance(evaluation, Labelled) else 1.0
