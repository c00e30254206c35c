"""What a run was measured to be worth: `evaluation.json`."""

from pydantic import BaseModel, ConfigDict

from models.spec import Frozen
from store.manifest import Metric


class ClassMetrics(Frozen):
    """`support` is the number of rows that truly are of the class."""

    precision: float
    recall: float
    f1: float
    support: int


class Evaluation(BaseModel):
    """Measured on held-out rows only; intervals are of 95 %. What only some models have is in the classes below.

    `confusion` has a row for each true label and a column for each predicted one, in the order of `labels`.
    `metrics` are the figures that go into the manifest.
    """

    model_config = ConfigDict(frozen=True)

    labels: tuple[str, ...]
    rows: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    calibration_error: float
    confusion: tuple[tuple[int, ...], ...]
    per_class: dict[str, ClassMetrics]
    metrics: tuple[Metric, ...]


class DigitsEvaluation(Evaluation):
    """`other_digits_accuracy` is on scikit-learn's digits, enlarged, in both polarities, none seen in training."""

    other_digits_accuracy: float
    other_digits_rows: int


class SourceEvaluation(Frozen):
    """One source of texts. The majority class is the best that a constant answer can do."""

    rows: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    baseline_accuracy: float
    baseline_interval: tuple[float, float]
    difference_interval: tuple[float, float]
    majority_accuracy: float


class SentimentEvaluation(Evaluation):
    """Beside the model TF-IDF with logistic regression, trained on the same split. Differences are ours − baseline."""

    baseline_accuracy: float
    baseline_interval: tuple[float, float]
    difference_interval: tuple[float, float]
    majority_accuracy: float
    by_source: dict[str, SourceEvaluation]
