"""Merging and splitting: what each caller gets is what it would get alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving.batching.tensors import check_outputs, check_paddable, group, merge, piece_sizes, pieces, rows_of, split
from serving.errors import Code, RequestError
from wire.tensors import Array

DTYPES = st.sampled_from([np.float32, np.float64, np.int8, np.int64, np.bool_])


@st.composite
def calls(draw: st.DrawFn, *, same_shape: bool) -> list[dict[str, Array]]:
    """Calls of one group, each of one or more rows of two tensors."""
    dtypes, shape = (draw(DTYPES), draw(DTYPES)), draw(arrays.array_shapes(max_dims=3, max_side=3))
    made = []
    for _ in range(draw(st.integers(1, 5))):
        rows = draw(st.integers(1, 3))
        row = shape if same_shape else tuple(draw(st.integers(1, 3)) for _ in shape)
        made.append({
            "a": draw(arrays.arrays(dtypes[0], (rows, *row))), "b": draw(arrays.arrays(dtypes[1], (rows,))),
        })  # fmt: skip
    return made


@given(calls(same_shape=True), st.integers(0, 3))
def test_what_is_merged_is_cut_apart_again(made: list[dict[str, Array]], fill: int) -> None:
    rows = [len(call["b"]) for call in made]
    merged = merge(made, ["a", "b"], fill=fill, pad=False)
    check_outputs([merged["a"], merged["b"]], sum(rows) + fill)
    for call, (a, b) in zip(made, split([merged["a"], merged["b"]], rows), strict=True):
        np.testing.assert_array_equal(a, call["a"])
        np.testing.assert_array_equal(b, call["b"])
        assert (a.dtype, b.dtype) == (call["a"].dtype, call["b"].dtype)
    for extra in merged["a"][sum(rows) :]:
        np.testing.assert_array_equal(extra, made[-1]["a"][0])


@given(calls(same_shape=False))
def test_padding_adds_the_first_element_at_the_end_and_nothing_else(made: list[dict[str, Array]]) -> None:
    assert len({group(call, ["a", "b"], pad=True) for call in made}) == 1
    merged = merge(made, ["a", "b"], fill=0, pad=True)
    rows = [len(call["b"]) for call in made]
    for call, (a, _) in zip(made, split([merged["a"], merged["b"]], rows), strict=True):
        own = tuple(slice(size) for size in call["a"].shape)
        np.testing.assert_array_equal(a[own], call["a"])
        added = np.ones(a.shape, bool)
        added[own] = False
        np.testing.assert_array_equal(a[added], np.full(added.sum(), call["a"].flat[0]))
    assert merged["a"].shape[1:] == tuple(np.max([call["a"].shape[1:] for call in made], axis=0))


@given(st.integers(1, 50), st.integers(0, 8), st.integers(1, 8))
def test_pieces_are_the_call(rows: int, free: int, limit: int) -> None:
    sizes = piece_sizes(rows, free, limit)
    assert sum(sizes) == rows
    assert all(0 < size <= max(limit, free) for size in sizes)
    if 0 < free < rows:
        assert sizes[0] == free
    x = np.arange(rows)
    np.testing.assert_array_equal(np.concatenate([piece["x"] for piece in pieces({"x": x}, sizes)]), x)


def test_strings_are_padded_and_merged_too() -> None:
    made: list[dict[str, Array]] = [
        {"t": np.array([[b"a", b"b\0"]], object)}, {"t": np.array([[b"c"], [b"d"]], object)}
    ]  # fmt: skip
    merged = merge(made, ["t"], fill=1, pad=True)["t"]
    assert merged.tolist() == [[b"a", b"b\0"], [b"c", b"c"], [b"d", b"c"], [b"c", b"c"]]


@pytest.mark.parametrize(
    ("one", "other", "together", "together_padded"),
    [
        (np.zeros((1, 2), "f4"), np.zeros((3, 2), "f4"), True, True),
        (np.zeros((1, 2), "f4"), np.zeros((1, 2), "f8"), False, False),
        (np.zeros((1, 2), "f4"), np.zeros((1, 2), ">f4"), False, False),
        (np.zeros((1, 2), "f4"), np.zeros((1, 3), "f4"), False, True),
        (np.zeros((1, 2), "f4"), np.zeros((1, 2, 1), "f4"), False, False),
        (np.zeros((1, 2), "f4"), np.zeros((1, 0), "f4"), False, False),
        (np.zeros((1, 0), "f4"), np.zeros((2, 0), "f4"), True, True),
    ],
)
def test_which_calls_may_meet(one: Array, other: Array, together: bool, together_padded: bool) -> None:
    for pad, expected in ((False, together), (True, together_padded)):
        same = group({"x": one}, ["x"], pad=pad) == group({"x": other}, ["x"], pad=pad)
        assert same is expected


def test_a_caller_cannot_change_its_neighbours_answer() -> None:
    whole = np.zeros((2, 2))
    (mine,), _ = split([whole], [1, 1])
    with pytest.raises(ValueError, match="read-only"):
        mine[0] = 1
    whole[0] = 1  # the run's own array stays as it was


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "Batching Run() must have at least one input tensor"),
        ({"a": np.zeros(2), "b": np.array(1)}, "Batching Run() input tensors must have at least one dimension"),
        ({"a": np.zeros(2), "b": np.zeros(3)}, "Batching Run() input tensors must have equal 0th-dimension size"),
    ],
)
def test_calls_that_have_no_rows(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        rows_of(inputs)
    assert (caught.value.code, caught.value.message) == (Code.INVALID_ARGUMENT, message)


def test_rows() -> None:
    assert rows_of({"a": np.zeros((2, 5)), "b": np.zeros(2)}) == 2
    assert rows_of({"a": np.zeros((0, 5))}) == 0


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (np.array(1.0), "Batched output tensor has 0 dimensions"),
        (np.float32(1), "Batched output tensor has 0 dimensions"),
        (np.zeros(3), "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes of the "
         "input tensors"),
    ],
)  # fmt: skip
def test_outputs_without_a_row_for_each(output: Any, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_outputs([np.zeros(2), output], 2)
    assert (caught.value.code, caught.value.message) == (Code.FAILED_PRECONDITION, message)


def test_ranks_that_cannot_be_padded() -> None:
    check_paddable({"x": np.zeros((1,) * 6)})
    with pytest.raises(RequestError, match="Only tensors with rank from 1 to 6 can be padded") as caught:
        check_paddable({"x": np.zeros((1,) * 7)})
    assert caught.value.code is Code.INVALID_ARGUMENT
