"""Held-out rows, thinned."""

import numpy as np
import pytest

from models.example import HeldOutRows


@pytest.mark.parametrize(
    ("rows", "most", "kept"), [(6, 3, [0, 2, 4]), (6, 10, [0, 1, 2, 3, 4, 5]), (5, 2, [0, 2]), (0, 3, []), (3, 1, [0])]
)
def test_rows_are_thinned_evenly(rows: int, most: int, kept: list[int]) -> None:
    thinned = HeldOutRows(np.arange(rows)[:, np.newaxis], np.arange(rows, dtype=np.int32)).thinned(most)
    assert thinned.inputs.ravel().tolist() == thinned.truth.tolist() == kept
