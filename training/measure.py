"""Measures a classifier on held-out rows, as every model is measured."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from processing.classification import softmax
from store.manifest import Metric
from training.evaluation import Evaluation
from training.metrics import calibration_error, confusion, per_class, wilson
from training.recipe import Array

if TYPE_CHECKING:
    import keras


def measure(model: "keras.Model", inputs: Array, truth: Array, labels: Sequence[str], data: str) -> Evaluation:
    """`truth` holds positions in `labels`; `data` names the rows in words."""
    scores = softmax(model.predict(inputs, batch_size=1024, verbose=0))
    counts = confusion(truth, scores.argmax(axis=1), len(labels))
    right, rows = int(counts.trace()), len(truth)
    low, high = wilson(right, rows)
    return Evaluation(
        labels=tuple(labels),
        rows=rows,
        accuracy=right / rows,
        accuracy_interval=(low, high),
        calibration_error=calibration_error(truth, scores),
        confusion=tuple(map(tuple, counts.tolist())),
        per_class=per_class(counts, labels),
        metrics=(Metric(name="accuracy", value=right / rows, data=data, rows=rows, low=low, high=high),),
    )
