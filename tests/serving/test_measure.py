"""Where a signature runs: what is measured, with what, and what is made of it."""

import numpy as np
import pytest

from serving.errors import Code, RequestError
from serving.runtimes.measure import best_times, faster, made_up, seconds_in_caller
from wire.messages import SignatureDef


@pytest.mark.parametrize(
    ("caller_s", "pool_s", "verdict"),
    [
        pytest.param(9e-6, 40e-6, True, id="a small graph"),
        pytest.param(5e-3, 5e-3, True, id="a tie: callers come side by side"),
        pytest.param(8e-3, 5e-3, False, id="wide branches"),
    ],
)
def test_the_pool_must_gain_something(caller_s: float, pool_s: float, *, verdict: bool) -> None:
    assert faster(caller_s, pool_s) is verdict


def test_the_best_of_some_rounds_counts() -> None:
    runs: list[str] = []
    times = best_times(lambda: runs.append("a"), lambda: runs.append("b"))
    assert runs[:2] == ["a", "b"]
    assert len(runs) <= 10
    assert all(seconds > 0 for seconds in times)


def test_both_are_run_by_turns_after_a_first_run_in_the_pool() -> None:
    runs: list[str] = []
    seconds_in_caller(lambda: runs.append("caller"), lambda: runs.append("pool"))
    assert runs[:3] == ["pool", "caller", "pool"]
    assert len(runs) <= 11


def test_inputs_that_are_refused_leave_it_to_the_pool() -> None:
    def refused() -> None:
        raise RequestError(Code.INVALID_ARGUMENT, "Could not parse example input")

    assert seconds_in_caller(lambda: None, refused) is None


def _signature(dtype: int, *shape: int) -> SignatureDef:
    signature = SignatureDef()
    signature.inputs["x"].dtype = dtype
    for size in shape:
        signature.inputs["x"].tensor_shape.dim.add(size=size)
    return signature


def test_made_up_inputs_have_the_type_and_one_of_each_free_dimension() -> None:
    numbers, texts = made_up(_signature(3, -1, 4)), made_up(_signature(7, -1))
    assert numbers is not None
    assert texts is not None
    assert numbers["x"].dtype == np.int32
    assert numbers["x"].shape == (1, 4)
    assert texts["x"].tolist() == [b""]


def test_a_shape_that_is_not_known_is_one_element() -> None:
    signature = _signature(1)
    signature.inputs["x"].tensor_shape.unknown_rank = True
    inputs = made_up(signature)
    assert inputs is not None
    assert inputs["x"].shape == (1,)


@pytest.mark.parametrize("signature", [_signature(21, -1), _signature(1, 2**20, 2**20)])
def test_what_cannot_be_made_up(signature: SignatureDef) -> None:
    """A variant, and four terabytes."""
    assert made_up(signature) is None
