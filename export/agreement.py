"""How a twin answers held-out rows beside the trained model: the same label, the same numbers, no less often right."""

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from export.errors import TwinError
from export.goldens import Answer, Array
from export.trained import Trained
from store.twin import Agreement, gap

_ROWS = 64  # of a batch
_SAME_LABEL = 0.995  # of the rows: of two labels that are as good as equal, either may lead
_ACCURACY = 0.002  # that a twin may lose

Batches = Iterable[tuple[Array, NDArray[np.int32]]]
"""Inputs, and with them the positions of the right labels."""


def held_out_rows(trained: Trained, preprocess: Callable[[bytes], Array]) -> Batches:
    """The examples of known labels, each as it is, then what rows the run has besides."""
    positions = {label: number for number, label in enumerate(trained.spec.labels)}
    for example in trained.examples:
        if example.label in positions:
            yield preprocess(example.body), np.array([positions[example.label]], np.int32)
    if trained.sample is not None:
        for start in range(0, len(trained.sample.truth), _ROWS):
            rows = slice(start, start + _ROWS)
            yield trained.sample.inputs[rows], trained.sample.truth[rows]


def agreement(model: Answer, twin: Answer, batches: Batches, tolerance: float) -> Agreement | None:
    """Asks both every batch; `logits` `[rows, labels]` are among their outputs. None: there was not one row.

    Raises:
        TwinError: they do not agree.
    """
    same, right_twin, right_model, rows, largest = 0, 0, 0, 0, 0.0
    for inputs, truth in batches:
        expected, received = model(inputs), twin(inputs)
        largest = max(largest, *(gap(np.asarray(values), received[name]) for name, values in expected.items()))
        theirs, ours = (np.asarray(answer["logits"]).argmax(axis=1) for answer in (expected, received))
        rows += len(truth)
        same += int((theirs == ours).sum())
        right_twin += int((ours == truth).sum())
        right_model += int((theirs == truth).sum())
    if not rows:
        return None
    found = Agreement(
        rows=rows,
        top_1=same / rows,
        largest=largest,
        accuracy=right_twin / rows,
        accuracy_of_model=right_model / rows,
    )
    return accepted(found, tolerance)


def accepted(found: Agreement, tolerance: float) -> Agreement:
    """The verdict. Raises `TwinError`."""
    if not found.largest <= tolerance:
        raise TwinError(
            f"on {found.rows} held-out rows its outputs differ by up to {found.largest:.1e}, expected at most "
            f"{tolerance}"
        )
    if found.top_1 < _SAME_LABEL:
        raise TwinError(
            f"it names the same label first for {found.top_1:.2%} of {found.rows} held-out rows, "
            f"expected at least {_SAME_LABEL:.2%}"
        )
    if found.accuracy < found.accuracy_of_model - _ACCURACY:
        raise TwinError(
            f"its accuracy on {found.rows} held-out rows is {found.accuracy:.2%}, the model's "
            f"{found.accuracy_of_model:.2%}, expected at most {_ACCURACY:.2%} less"
        )
    return found
