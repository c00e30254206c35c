"""Rows that may share a run, and those that may not."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pytest

from serving.batching.independence import independent, same
from serving.errors import RequestError
from tests.serving.batching.held import Held
from wire.tensors import Array

ROWS = [{"x": np.array([value])} for value in (0.25, 0.5, 0.75)]


@pytest.mark.parametrize(
    ("name", "may"), [("double", True), ("centred", False), ("faint", False), ("constant", False)]
)  # fmt: skip
def test_rows_must_be_answered_as_alone(name: str, may: bool) -> None:
    """`faint` gives numbers of a millionth, a tenth larger in company; `constant` shows nothing."""
    assert independent(partial(Held().run, name, outputs=["y"], timeout_s=None), ROWS, 8) is may


def test_a_row_is_tried_at_each_place_with_other_neighbours() -> None:
    def last_row_leaks(rows: Mapping[str, Array]) -> list[Array]:
        x = rows["x"]
        return [np.where(x == 0.5, x + (x[-1] == 0.75), x)]

    assert not independent(last_row_leaks, ROWS, 4)


def test_answers_that_are_no_rows_are_refused() -> None:
    with pytest.raises(RequestError, match="0 dimensions"):
        independent(partial(Held().run, "total", outputs=["total"], timeout_s=None), ROWS, 8)


@pytest.mark.parametrize(
    ("expected", "received", "is_same"),
    [
        ([1.0, 0.5], [1.0 + 1e-6, 0.5], True),
        ([1e-6, 2e-6], [1e-6, 2.1e-6], False),
        ([np.nan, np.inf, -1.0], [np.nan, np.inf, -1.0], True),
        ([np.nan, 1.0], [0.0, 1.0], False),
        ([30000], [30001], False),
        ([b"a"], [b"a"], True),
        ([[1.0]], [1.0], False),
    ],
)
def test_what_counts_as_the_same(expected: list[object], received: list[object], is_same: bool) -> None:
    assert same([np.array(expected)], [np.array(received)]) is is_same
