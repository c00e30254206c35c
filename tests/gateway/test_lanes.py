"""A request of rows of unlike lengths is asked in groups, and answered as one."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import numpy as np
import pytest

from gateway.company import Call
from gateway.deadline import Deadline
from gateway.errors import BrokenAnswerError, GatewayError
from gateway.lanes import Lanes
from gateway.padding import Pace, Padding
from gateway.tasks.base import Tensors

LENGTHS = [40, 3, 39, 4, 41, 3]


@pytest.fixture
def helpers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def _inputs(lengths: list[int]) -> Tensors:
    """Of row n the sum of its tokens is (n + 1) times its length."""
    rows = [[number + 1] * length + [0] * (max(lengths) - length) for number, length in enumerate(lengths)]
    return {"x": np.array(rows, np.int32)}


def _sums(inputs: Tensors) -> Tensors:
    return {"y": inputs["x"].sum(axis=1, keepdims=True)}


def _refused(_inputs: Tensors, _deadline: Deadline) -> Tensors:
    raise AssertionError("not to be asked")


def _lanes(together: Call, alone: Call, helpers: ThreadPoolExecutor, *, dear: bool = True, abreast: int = 2) -> Lanes:
    pace = Pace()
    if dear:
        pace.note(1000, 60.0)
    return Lanes(together, alone, Padding("x", 0), pace, helpers=helpers, abreast=lambda: abreast)


def test_groups_are_as_short_as_their_rows_and_answers_keep_their_order(helpers: ThreadPoolExecutor) -> None:
    shapes = []

    def alone(inputs: Tensors, _deadline: Deadline) -> Tensors:
        shapes.append(inputs["x"].shape)
        return _sums(inputs)

    answer = _lanes(_refused, alone, helpers).ask(_inputs(LENGTHS), Deadline.after(30))
    assert answer["y"][:, 0].tolist() == [(number + 1) * length for number, length in enumerate(LENGTHS)]
    assert sorted(shapes) == [(3, 4), (3, 41)]


@pytest.mark.parametrize(
    ("lengths", "dear"), [(LENGTHS, False), ([9, 10, 9], True), ([7], True)], ids=["cheap", "alike", "one row"]
)
def test_what_gains_nothing_goes_as_it_is(helpers: ThreadPoolExecutor, lengths: list[int], *, dear: bool) -> None:
    given = _inputs(lengths)
    answer = _lanes(lambda inputs, _: {"same": inputs["x"]}, _refused, helpers, dear=dear).ask(
        given, Deadline.after(30)
    )
    assert answer["same"] is given["x"]


def test_groups_are_asked_abreast(helpers: ThreadPoolExecutor) -> None:
    """Each waits until the other is there."""
    both = threading.Barrier(2, timeout=30)

    def alone(inputs: Tensors, _deadline: Deadline) -> Tensors:
        both.wait()
        return _sums(inputs)

    assert _lanes(_refused, alone, helpers).ask(_inputs(LENGTHS), Deadline.after(30))["y"].shape == (6, 1)


def test_where_all_helpers_are_busy_the_caller_asks_for_all(helpers: ThreadPoolExecutor) -> None:
    free = threading.Event()
    for _ in range(4):
        helpers.submit(free.wait, 30)
    try:
        lanes = _lanes(_refused, lambda inputs, _: _sums(inputs), helpers)
        assert lanes.ask(_inputs(LENGTHS), Deadline.after(30))["y"].shape == (6, 1)
    finally:
        free.set()


@pytest.mark.parametrize("abreast", [1, 2])
def test_an_error_is_the_callers_and_ends_what_has_not_begun(helpers: ThreadPoolExecutor, abreast: int) -> None:
    asked: list[int] = []

    def alone(inputs: Tensors, _deadline: Deadline) -> Tensors:
        asked.append(inputs["x"].shape[1])
        raise BrokenAnswerError("by intent")

    lengths = [10 * number for number in range(1, 9)]
    with pytest.raises(GatewayError, match="by intent"):
        _lanes(_refused, alone, helpers, abreast=abreast).ask(_inputs(lengths), Deadline.after(30))
    assert len(asked) <= abreast


def test_an_error_of_a_helper_is_told_too(helpers: ThreadPoolExecutor) -> None:
    caller, both = threading.get_ident(), threading.Barrier(2, timeout=30)

    def alone(inputs: Tensors, _deadline: Deadline) -> Tensors:
        both.wait()
        if threading.get_ident() != caller:
            raise BrokenAnswerError("of a helper")
        return _sums(inputs)

    with pytest.raises(GatewayError, match="of a helper"):
        _lanes(_refused, alone, helpers).ask(_inputs(LENGTHS), Deadline.after(30))


def test_helpers_know_whose_request_it_is(helpers: ThreadPoolExecutor) -> None:
    """Spans are children of the one in the caller's context."""
    request, both = ContextVar[str]("request"), threading.Barrier(2, timeout=30)
    request.set("mine")
    known = []

    def alone(inputs: Tensors, _deadline: Deadline) -> Tensors:
        both.wait()
        known.append(request.get("nobody's"))
        return _sums(inputs)

    _lanes(_refused, alone, helpers).ask(_inputs(LENGTHS), Deadline.after(30))
    assert known == ["mine", "mine"]
