"""What a model was measured to be worth on held-out rows: `evaluation.json`, of a run and of a version.

Intervals are of 95 %. All but the times of `latency` is the same whenever the same weights are measured again.
"""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from store.errors import ManifestError
from store.manifest import Metric

Interval = tuple[float, float]
Count = Annotated[int, Field(ge=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Averages(_Frozen):
    """`micro` counts all rows together, `macro` is the mean over labels."""

    precision: float
    recall: float
    f1: float


class ClassMetrics(Averages):
    """`support` is the number of rows that truly are of the class."""

    support: Count
    precision_interval: Interval
    recall_interval: Interval


class Curve(_Frozen):
    """Points in order, thinned; `area` is of all of them. Of precision over recall it is the average precision."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    area: float


class LabelCurves(_Frozen):
    """One label against all others. None where the held-out rows have none of it, or nothing else."""

    roc: Curve | None
    precision_recall: Curve | None


class Bin(_Frozen):
    """Rows whose confidence lies in one tenth of 0…1: the mean confidence, and the share that was right."""

    rows: Count
    confidence: float
    accuracy: float


class Calibrated(_Frozen):
    """`error` is the expected calibration error in ten bins, `loss` the mean negative log-likelihood."""

    error: float
    loss: float
    bins: tuple[Bin, ...]


class Calibration(_Frozen):
    """Temperature scaling: fitted on `fitted_rows` held-out rows, measured on the other `rows`."""

    temperature: Annotated[float, Field(gt=0)]
    fitted_rows: Count
    rows: Count
    before: Calibrated
    after: Calibrated


class Latency(_Frozen):
    """Milliseconds of `calls` calls with `rows` rows each; `what` says what was called, and where."""

    what: str
    rows: Count
    calls: Count
    median_ms: float
    p95_ms: float


class Share(_Frozen):
    """How many of `rows` were answered rightly."""

    rows: Count
    accuracy: float
    interval: Interval


class Slice(Share):
    """The rows that have one `value` of a property, named by `by`. `data` names all of them in words."""

    by: str
    value: str
    data: str


class Trial(Share):
    """Rows disturbed with one strength. An input that could not be read any more counts as answered wrongly."""

    disturbance: str
    strength: str
    what: str


class Robustness(_Frozen):
    """A sample of the held-out rows as it is, and disturbed. `data` names the sample in words."""

    data: str
    undisturbed: Share
    trials: tuple[Trial, ...]
    metrics: tuple[Metric, ...]


class AveragePrecision(_Frozen):
    """Of a detector: the area under precision over recall, of things with one `value` of a property, named by `by`.

    `mean` is over the overlaps from .50 to .95 from which a box is right, `at_half` at .50; both are means over labels.
    """

    by: str
    value: str
    things: Count
    mean: float
    at_half: float


class Evaluation(BaseModel):
    """Measured on held-out rows only. What only some models have is in classes of their own.

    Attributes:
        labels: of a classifier; empty for a model that has none, of which `accuracy` says in its own words what is
            counted as right.
        metrics: the figures that go into the manifest, as do those of `robustness`.
        references: what else was tried on the same rows, by name: an answer is worth what it is above them.
        multi_label: several labels may be right, or none.
        by_label: whether a classifier was measured label by label. One with more labels than there are rows cannot be.
        precisions: of a detector.
    """

    model_config = ConfigDict(frozen=True)

    labels: tuple[str, ...]
    rows: Count
    accuracy: float
    accuracy_interval: Interval
    latency: tuple[Latency, ...]
    robustness: Robustness
    slices: tuple[Slice, ...]
    references: tuple[Metric, ...]
    metrics: tuple[Metric, ...]
    multi_label: bool = False
    by_label: bool = True
    precisions: tuple[AveragePrecision, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `ManifestError` when the document is missing, unreadable or does not fit."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as exc:
            raise ManifestError(path, exc.strerror or str(exc)) from exc
        except ValidationError as exc:
            raise ManifestError(path, str(exc)) from exc


class Labelled(Evaluation):
    """Of a model that answers labels."""

    micro: Averages
    macro: Averages
    macro_f1_interval: Interval
    per_class: dict[str, ClassMetrics]
    curves: dict[str, LabelCurves]
    calibration: Calibration


class Classification(Labelled):
    """Of a classifier.

    Attributes:
        confusion: a row for each true label and a column for each predicted one, in the order of `labels`.
    """

    confusion: tuple[tuple[int, ...], ...]


class Decisions(_Frozen):
    """Of one label, over all rows: it was rightly given, wrongly given, wrongly not given, rightly not given."""

    right: Count
    wrong: Count
    missed: Count
    absent: Count


class LabelSets(Labelled):
    """Of a classifier that gives several labels, or none: each that has a probability of ½ or more.

    A row is right if all its labels are, and no other. `calibration` is of decisions, one for each row and label.
    """

    multi_label: bool = True
    decisions: dict[str, Decisions]


def parse_evaluation(document: bytes) -> Evaluation:
    """Of its own class, where it was measured by labels. Raises `pydantic.ValidationError`."""
    evaluation = Evaluation.model_validate_json(document)
    if not (evaluation.labels and evaluation.by_label):
        return evaluation
    return (LabelSets if evaluation.multi_label else Classification).model_validate_json(document)
