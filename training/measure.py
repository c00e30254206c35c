"""Measures a classifier on held-out rows, as every model is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from processing.classification import softmax
from store.evaluation import Evaluation, Robustness, Slice
from store.held_out import HeldOut
from store.manifest import Metric
from training.calibration import calibrate
from training.curves import label_curves
from training.disturbance import share
from training.evaluation import Measured
from training.latency import latencies
from training.metrics import confusion, macro, macro_f1_interval, micro, per_class, wilson
from training.recipe import Array

if TYPE_CHECKING:
    import keras

BATCH = 1024  # rows that are predicted together


@dataclass(frozen=True)
class Rows:
    """Held-out rows as the model takes them.

    Attributes:
        truth: positions in the labels.
        data: the rows in words.
        sha256: of the rows before they were processed, so that models of other vocabularies can be compared on them.
        slices: for each property the rows that have each value of it.
        alone: some of the inputs without the batch dimension and without padding, to take the time with.
        pad: what fills the shorter rows of a batch.
    """

    inputs: Array
    truth: NDArray[np.int32]
    data: str
    sha256: str
    slices: Mapping[str, Mapping[str, NDArray[np.bool_]]]
    alone: Sequence[Array]
    pad: int = 0


def measure(model: "keras.Model", labels: Sequence[str], rows: Rows, robustness: Robustness, seed: int) -> Measured:
    """What is measured of every model; what else a recipe measures, it adds."""
    logits = model.predict(rows.inputs, batch_size=BATCH, verbose=0)
    predicted = logits.argmax(axis=1)
    counts = confusion(rows.truth, predicted, len(labels))
    classes = per_class(counts, labels)
    calibration = calibrate(logits, rows.truth, seed)
    right, count = int(counts.trace()), len(rows.truth)
    interval, f1_interval = wilson(right, count), macro_f1_interval(counts, seed)
    average = macro(classes)
    evaluation = Evaluation(
        labels=tuple(labels),
        rows=count,
        accuracy=right / count,
        accuracy_interval=interval,
        micro=micro(counts),
        macro=average,
        macro_f1_interval=f1_interval,
        per_class=classes,
        confusion=tuple(map(tuple, counts.tolist())),
        curves=label_curves(rows.truth, softmax(logits), labels),
        calibration=calibration,
        latency=latencies(model, rows.alone, rows.pad),
        robustness=robustness,
        slices=_slices(predicted == rows.truth, rows),
        references=(_majority(rows, labels),),
        metrics=(
            _metric("accuracy", right / count, rows, interval),
            _metric("macro F1", average.f1, rows, f1_interval),
            Metric(
                name="expected calibration error",
                value=calibration.after.error,
                data=f"{calibration.rows:,} of {rows.data}, after temperature scaling on the others",
                rows=calibration.rows,
            ),
        ),
    )
    return Measured(evaluation, HeldOut(rows.sha256, rows.truth, predicted.astype(np.int32)))


def _metric(name: str, value: float, rows: Rows, interval: tuple[float, float]) -> Metric:
    low, high = interval
    return Metric(name=name, value=value, data=rows.data, rows=len(rows.truth), low=low, high=high)


def _slices(right: NDArray[np.bool_], rows: Rows) -> tuple[Slice, ...]:
    return tuple(
        Slice(**dict(share(right[which])), by=by, value=value, data=rows.data)
        for by, values in rows.slices.items()
        for value, which in values.items()
        if which.any()
    )


def _majority(rows: Rows, labels: Sequence[str]) -> Metric:
    """The best that a constant answer can do."""
    counts = np.bincount(rows.truth, minlength=len(labels))
    most = int(counts.argmax())
    name = f"always “{labels[most]}”"
    return _metric(name, float(counts[most] / counts.sum()), rows, wilson(int(counts[most]), int(counts.sum())))
