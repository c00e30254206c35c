"""What the evaluation of a model has besides what every evaluation has, and what else measuring leaves behind."""

from dataclasses import dataclass

from models.spec import Frozen
from store.evaluation import Classification, Evaluation, Interval
from store.held_out import HeldOut
from training.mistakes import Mistake
from training.shown import Shown


@dataclass(frozen=True)
class Measured:
    """`held_out` are the answers to the very rows of `evaluation`; `mistakes` the worst of them, of pictures; `shown` a
    few pictures with what a detector found."""

    evaluation: Evaluation
    held_out: HeldOut
    mistakes: tuple[Mistake, ...] = ()
    shown: tuple[Shown, ...] = ()


class DigitsEvaluation(Classification):
    """`other_digits_accuracy` is on scikit-learn's digits, enlarged, in both polarities, none seen in training."""

    other_digits_accuracy: float
    other_digits_rows: int


class SourceEvaluation(Frozen):
    """One source of texts. The majority class is the best that a constant answer can do."""

    rows: int
    accuracy: float
    accuracy_interval: Interval
    baseline_accuracy: float
    baseline_interval: Interval
    difference_interval: Interval
    majority_accuracy: float


class SentimentEvaluation(Classification):
    """Beside the model TF-IDF with logistic regression, trained on the same split. Differences are ours − baseline."""

    baseline_accuracy: float
    baseline_interval: Interval
    difference_interval: Interval
    majority_accuracy: float
    by_source: dict[str, SourceEvaluation]
