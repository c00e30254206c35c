"""Examples as a run keeps them; held-out rows, thinned."""

import math

import numpy as np
import pytest
from pydantic import TypeAdapter

from models.example import Example, HeldOutRows, kept_of


def test_answers_that_are_no_numbers_are_kept() -> None:
    kept = TypeAdapter(list[Example])
    made = Example.of("one", "image/png", b"x", "7").model_copy(update={"answer": (math.nan, 1.5)})
    [read] = kept.validate_json(kept.dump_json([made]))
    assert read.answer is not None
    assert math.isnan(read.answer[0])
    assert read.answer[1] == 1.5


@pytest.mark.parametrize(("numbers", "step"), [(2, 1), (1000, 1), (1001, 2), (49_152, 50)])
def test_of_long_answers_some_numbers_are_kept_evenly_from_all(numbers: int, step: int) -> None:
    kept = kept_of(np.arange(numbers))
    assert len(kept) <= 1000
    assert kept.tolist() == list(range(0, numbers, step))


@pytest.mark.parametrize(
    ("rows", "most", "kept"), [(6, 3, [0, 2, 4]), (6, 10, [0, 1, 2, 3, 4, 5]), (5, 2, [0, 2]), (0, 3, []), (3, 1, [0])]
)
def test_rows_are_thinned_evenly(rows: int, most: int, kept: list[int]) -> None:
    thinned = HeldOutRows(np.arange(rows)[:, np.newaxis], np.arange(rows, dtype=np.int32)).thinned(most)
    assert thinned.inputs.ravel().tolist() == thinned.truth.tolist() == kept
