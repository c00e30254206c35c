"""What an export is made from: a trained model and the evidence for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.goldens import Array
from models.example import Example, HeldOutRows
from models.spec import ModelSpec, TrainConfig
from store.manifest import Metric


@dataclass(frozen=True)
class Trained:
    """A finished run, as far as a version of it needs to know.

    Attributes:
        weights: the file of Keras weights for `spec.build(config)`.
        tokenizer: the document of a text model, None for others.
        examples: held-out requests from which the goldens are taken.
        inputs: a batch, the model's input for each of `examples` as training makes it.
        sample: held-out rows, on which a twin is verified besides.
        run: the run's name.
    """

    spec: ModelSpec
    config: TrainConfig
    weights: Path
    tokenizer: str | None
    examples: Sequence[Example]
    inputs: Array
    metrics: Sequence[Metric]
    data_sha256: str
    code_commit: str
    run: str
    sample: HeldOutRows | None = None
