"""Texts as batches that are no wider than their longest row: what is padding costs as much as what is not."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.recipe import Array

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_PREDICTED = 256  # rows together
_NUMBERS = 2**22  # of the inputs of a batch: 27 photographs of 224×224 pixels
_WINDOW = 32  # batches among whose rows like lengths are looked for


def alike(order: NDArray[np.int_], lengths: NDArray[np.int_], size: int, rng: np.random.Generator) -> NDArray[np.int_]:
    """Rows in another order, so that those of a batch are alike in length. Which rows meet, and in which order batches
    come, is left to chance as far as that allows."""
    batches = []
    for window in np.split(order, range(_WINDOW * size, len(order), _WINDOW * size)):
        by_length = window[np.argsort(lengths[window], kind="stable")]
        batches += np.split(by_length, range(size, len(by_length), size))
    smaller = [batch for batch in batches if len(batch) < size]  # of the last window: it stays the last
    whole = [batch for batch in batches if len(batch) == size]
    return np.concatenate([*(whole[position] for position in rng.permutation(len(whole))), *smaller])


def lengths_of(inputs: Array, pad: int) -> NDArray[np.int_]:
    """Of rows `[rows, tokens]`, without the padding at their ends."""
    there = np.flip(inputs, axis=1) != pad
    return np.where(there.any(axis=1), inputs.shape[1] - there.argmax(axis=1), 1)


def trimmed(inputs: Array, targets: Array, size: int, pad: int) -> "tf.data.Dataset":
    """Batches of `size` rows in their order, for `keras.Model.fit` and `evaluate`. Targets that are texts, too, are
    no wider than their longest either."""
    widths = [width for _, width in _cuts(targets, size, pad)] if _are_texts(targets) else None

    def batches() -> Iterator[tuple[Array, Array]]:
        for number, (rows, width) in enumerate(_cuts(inputs, size, pad)):
            yield inputs[rows, :width], targets[rows] if widths is None else targets[rows, : widths[number]]

    return _dataset(batches, (inputs, targets), -(-len(inputs) // size))


def predicted(model: "keras.Model", inputs: Array, pad: int | None) -> Array:
    """What the model answers to each row; those of like length are asked together. No `pad`: all are."""
    if pad is None:
        return np.asarray(model.predict(inputs, batch_size=rows_together(inputs, 1024), verbose=0))
    order = np.argsort(lengths_of(inputs, pad), kind="stable")
    ordered = inputs[order]
    batches = _dataset(
        lambda: ((ordered[rows, :width],) for rows, width in _cuts(ordered, _PREDICTED, pad)),
        (inputs,),
        -(-len(inputs) // _PREDICTED),
    )
    answers = np.asarray(model.predict(batches, verbose=0))
    back = np.empty_like(answers)
    back[order] = answers
    return back


def rows_together(inputs: Array, most: int) -> int:
    """So many rows of one shape as go through a network at once: what layers make of large pictures needs memory."""
    return max(1, min(most, _NUMBERS // inputs[0].size)) if len(inputs) else most


def _cuts(inputs: Array, size: int, pad: int) -> Iterator[tuple[slice, int]]:
    lengths = lengths_of(inputs, pad)
    for start in range(0, len(inputs), size):
        yield slice(start, start + size), int(lengths[start : start + size].max())


def _dataset(make: Any, like: tuple[Array, ...], batches: int) -> "tf.data.Dataset":
    """With every dimension open, so that one graph is made for all widths."""
    import tensorflow as tf

    first, *others = like
    signature = (
        tf.TensorSpec([None, None], first.dtype),
        *(tf.TensorSpec([None, *([None] if _are_texts(other) else other.shape[1:])], other.dtype) for other in others),
    )
    made = tf.data.Dataset.from_generator(make, output_signature=signature)
    return made.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(2)


def _are_texts(targets: Array) -> bool:
    """Rows of token ids, and no numbers to be answered."""
    return targets.ndim == 2 and targets.dtype == np.int32
