"""Measures a classifier on held-out rows, as every model is measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from processing.classification import softmax
from store.evaluation import Calibration, Classification, Robustness, Slice
from store.held_out import HeldOut
from store.manifest import Metric
from training.batches import predicted
from training.calibration import calibrate
from training.curves import label_curves
from training.disturbance import share
from training.evaluation import Measured
from training.latency import latencies
from training.metrics import confusion, macro, macro_f1_interval, micro, per_class
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
        pad: what fills the shorter rows of a batch; None where rows have one shape.
    """

    inputs: Array
    truth: NDArray[np.int32]
    data: str
    sha256: str
    slices: Mapping[str, Mapping[str, NDArray[np.bool_]]]
    alone: Sequence[Array]
    pad: int | None = None


def measure(model: "keras.Model", labels: Sequence[str], rows: Rows, robustness: Robustness, seed: int) -> Measured:
    """What is measured of every model; what else a recipe measures, it adds."""
    logits = predicted(model, rows.inputs, rows.pad)
    labelled = logits.argmax(axis=1)
    counts = confusion(rows.truth, labelled, len(labels))
    classes = per_class(counts, labels)
    calibration = calibrate(logits, rows.truth, seed)
    right = accuracy("accuracy", labelled == rows.truth, rows.data)
    average, (low, high) = macro(classes), macro_f1_interval(counts, seed)
    evaluation = Classification(
        labels=tuple(labels),
        rows=right.rows,
        accuracy=right.value,
        accuracy_interval=share(labelled == rows.truth).interval,
        micro=micro(counts),
        macro=average,
        macro_f1_interval=(low, high),
        per_class=classes,
        confusion=tuple(map(tuple, counts.tolist())),
        curves=label_curves(rows.truth, softmax(logits), labels),
        calibration=calibration,
        latency=latencies(model, rows.alone, rows.pad or 0),
        robustness=robustness,
        slices=tuple(
            slice_
            for by, values in rows.slices.items()
            for slice_ in slices(labelled == rows.truth, by, values, rows.data)
        ),
        references=(_majority(rows, labels),),
        metrics=(
            right,
            Metric(name="macro F1", value=average.f1, data=rows.data, rows=right.rows, low=low, high=high),
            _calibration_error(calibration, rows.data),
        ),
    )
    return Measured(evaluation, HeldOut(rows.sha256, rows.truth, labelled.astype(np.int32)))


def accuracy(name: str, right: NDArray[np.bool_], data: str) -> Metric:
    """The share of rows that are right, with Wilson's interval, under the name of who or what was right."""
    of = share(right)
    low, high = of.interval
    return Metric(name=name, value=of.accuracy, data=data, rows=of.rows, low=low, high=high)


def slices(right: NDArray[np.bool_], by: str, values: Mapping[str, NDArray[np.bool_]], data: str) -> Iterator[Slice]:
    """One for each value that some of the rows have."""
    for value, which in values.items():
        if which.any():
            yield Slice(**dict(share(right[which])), by=by, value=value, data=data)


def _calibration_error(of: Calibration, data: str) -> Metric:
    return Metric(
        name="expected calibration error",
        value=of.after.error,
        data=f"{of.rows:,} of {data}, the temperature fitted on the others",
        rows=of.rows,
    )


def _majority(rows: Rows, labels: Sequence[str]) -> Metric:
    """The best that a constant answer can do."""
    most = int(np.bincount(rows.truth).argmax())
    return accuracy(f"always “{labels[most]}”", rows.truth == most, rows.data)
