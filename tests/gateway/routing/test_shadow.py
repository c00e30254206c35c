"""The queue of copies: bounded, and its threads outlive what goes wrong."""

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gateway.routing.shadow import Copy, Shadows, weight
from gateway.tasks.image_classification import ImageClassificationRequest
from gateway.tasks.text_classification import TextClassificationRequest

SMALL, LARGE = (TextClassificationRequest(inputs="x" * size) for size in (10, 600))


def copy_of(request: Any, to: int) -> Copy:
    nothing: Any = None
    model: Any = SimpleNamespace(name="digits")
    return Copy(nothing, model, to, to, nothing, nothing, request, nothing)


class Held:
    """Runs copies once it is let go; the first fails."""

    def __init__(self) -> None:
        self.begun, self.go, self.done = threading.Semaphore(0), threading.Event(), threading.Semaphore(0)
        self.ran: list[object] = []

    def __call__(self, copy: Copy) -> None:
        self.begun.release()
        self.go.wait()
        self.ran.append(copy.to)
        self.done.release()
        if copy.to == 0:
            raise RuntimeError("the first always fails")


def test_what_does_not_fit_is_dropped_and_the_rest_is_run_whatever_fails() -> None:
    held = Held()
    shadows = Shadows(held, threads=1, copies=2, memory=700)
    assert shadows.offer(copy_of(SMALL, 0))
    assert held.begun.acquire(timeout=60)
    offers = [shadows.offer(copy_of(request, to)) for to, request in enumerate((LARGE, LARGE, SMALL, SMALL), start=1)]
    assert offers == [True, False, True, False], "one more is too heavy, then one too many"
    held.go.set()
    for _ in range(3):
        assert held.done.acquire(timeout=60)
    assert held.ran == [0, 1, 3]
    assert shadows.offer(copy_of(LARGE, 5)), "what was run has left"
    assert held.done.acquire(timeout=60)


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        (LARGE, 600, 700),
        (ImageClassificationRequest(inputs=[b"x" * 1000, b"y" * 1000]), 2000, 2100),
        (np.zeros(1000, np.float32), 4000, 4000),
        ([0.0] * 1000, 8000, 40000),
        ({"a": "x" * 50, "b": ["y" * 50]}, 100, 100),
    ],
)
def test_weights(value: Any, least: int, most: int) -> None:
    assert least <= weight(value) <= most
