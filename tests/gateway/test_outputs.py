"""Tensors and what the manifest promises of them."""

import numpy as np
import pytest

from gateway.errors import BrokenAnswerError
from gateway.outputs import check_outputs
from store.manifest import SignatureSpec, TensorSpec

SPEC = SignatureSpec(inputs={}, outputs={"scores": TensorSpec(dtype="float32", shape=(-1, 3))})


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_what_is_promised(rows: int) -> None:
    check_outputs(SPEC, {"scores": np.zeros((rows, 3)), "more": np.zeros(1)})


@pytest.mark.parametrize("shape", [(1, 4), (3,), (1, 3, 1), ()])
def test_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(BrokenAnswerError, match="expected"):
        check_outputs(SPEC, {"scores": np.zeros(shape)})


def test_one_that_is_missing() -> None:
    with pytest.raises(BrokenAnswerError, match="without 'scores'"):
        check_outputs(SPEC, {})


def test_nothing_is_promised_of_what_is_not_named() -> None:
    check_outputs(None, {})
