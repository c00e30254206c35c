"""Tensors that a real convolution must not see: each gets an answer, and the model server lives."""

import json
from typing import Any

import numpy as np
import pytest

from bench.stack import Stack
from tests.support.processes import ask
from tests.support.stacks import pid_of
from wire.client import ModelServerClient
from wire.errors import ModelServerError


@pytest.mark.parametrize("shape", [(), (28,), (28, 28), (1, 28, 28), (1, 1, 28, 28, 1), (1, 5, 5, 1), (1, 28, 28, 3)])
def test_pictures_of_a_wrong_shape_are_refused(stack: Stack, shape: tuple[int, ...]) -> None:
    before = pid_of(stack, "serve")
    with ModelServerClient(stack.grpc) as client, pytest.raises(ModelServerError, match="INVALID_ARGUMENT"):
        client.predict("digits", {"image": np.zeros(shape, np.uint8)}, timeout_s=10)
    assert pid_of(stack, "serve") == before


@pytest.mark.parametrize("instances", [[300], [[1]], [[[1]]], [], "x", [{"image": 1}]])
def test_rest_refuses_them_too(stack: Stack, instances: Any) -> None:
    before = pid_of(stack, "serve")
    answer = ask(f"{stack.rest}/v1/models/digits:predict", json.dumps({"instances": instances}).encode())
    assert answer.status == 400
    assert "error" in answer.json()
    assert pid_of(stack, "serve") == before


def test_no_picture_is_no_crash(stack: Stack) -> None:
    before = pid_of(stack, "serve")
    with ModelServerClient(stack.grpc) as client, pytest.raises(ModelServerError):
        client.predict("digits", {"image": np.zeros((0, 28, 28, 1), np.uint8)}, timeout_s=10)
    assert pid_of(stack, "serve") == before
