"""Batches of texts: as narrow as they can be, and every row where it belongs."""

from typing import Any

import numpy as np
import pytest

from training.batches import alike, lengths_of, predicted, trimmed

PAD = 0


@pytest.fixture(scope="module")
def texts() -> Any:
    """700 rows of 1 to 40 tokens, a fifth of which is the padding's id in the middle of a text."""
    rng = np.random.default_rng(1)
    rows = np.zeros((700, 50), np.int32)
    for row in rows:
        length = rng.integers(1, 41)
        row[:length] = rng.integers(0, 5, length)
        row[length - 1] = 7
    return rows


def test_padding_is_counted_from_the_end() -> None:
    rows = np.array([[3, 0, 4, 0, 0], [0, 0, 0, 0, 0], [1, 2, 3, 4, 5]], np.int32)
    assert lengths_of(rows, PAD).tolist() == [3, 1, 5]


def test_rows_of_a_batch_are_alike_and_none_is_lost(texts: Any) -> None:
    lengths = lengths_of(texts, PAD)
    rng = np.random.default_rng(2)
    order = alike(rng.permutation(len(texts)), lengths, 16, rng)
    assert sorted(order) == list(range(len(texts)))
    batches = np.split(lengths[order], range(16, len(texts), 16))
    assert len(batches[-1]) == 700 % 16
    assert np.mean([np.ptp(batch) for batch in batches[:-1]]) < 5
    means = [batch.mean() for batch in batches[:-1]]
    assert means != sorted(means)  # long ones come among short ones
    rng = np.random.default_rng(3)
    assert alike(rng.permutation(len(texts)), lengths, 16, rng).tolist() != order.tolist()


def test_batches_keep_order_and_targets_and_are_as_narrow_as_they_can_be(texts: Any) -> None:
    targets = np.arange(len(texts), dtype=np.float32)[:, np.newaxis]
    batches = list(trimmed(texts, targets, 64, PAD).as_numpy_iterator())
    assert len(batches) == 11
    for number, (inputs, wanted) in enumerate(batches):
        rows = texts[64 * number : 64 * (number + 1)]
        assert inputs.shape == (len(rows), lengths_of(rows, PAD).max())
        assert np.array_equal(inputs, rows[:, : inputs.shape[1]])
        assert np.array_equal(wanted, targets[64 * number : 64 * (number + 1)])


def test_answers_come_back_in_the_order_of_the_rows(texts: Any) -> None:
    import keras

    token_ids = keras.Input((None,), dtype="int32")
    total = keras.ops.sum(token_ids, axis=1, keepdims=True)
    model = keras.Model(token_ids, total)
    assert predicted(model, texts, PAD)[:, 0].tolist() == texts.sum(axis=1).tolist()
    assert predicted(model, texts, None)[:, 0].tolist() == texts.sum(axis=1).tolist()
