"""The queue behind callers' backs: bounded, and its threads outlive what goes wrong."""

import threading
from typing import Any

import numpy as np
import pytest

from gateway.backlog import Backlog, weight
from gateway.tasks.image_classification import ImageClassificationRequest
from gateway.tasks.text_classification import TextClassificationRequest

LARGE = TextClassificationRequest(inputs="x" * 600)


class Held:
    """Does things once it is let go; the first fails."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()
        self.ran: list[int] = []

    def __call__(self, item: int) -> None:
        self.begun.release()
        self.go.wait()
        self.ran.append(item)
        if item == 0:
            raise RuntimeError("the first always fails")


def test_what_does_not_fit_is_dropped_and_the_rest_is_done_whatever_fails() -> None:
    held = Held()
    backlog = Backlog("holding", held, threads=1, items=2, memory=700)
    assert backlog.drain(60), "nothing is to be done"
    assert backlog.offer(0, 10)
    assert held.begun.acquire(timeout=60)
    offers = [backlog.offer(item, size) for item, size in enumerate((600, 600, 10, 10), start=1)]
    assert offers == [True, False, True, False], "one more is too heavy, then one too many"
    assert not backlog.drain(0)
    held.go.set()
    assert backlog.drain(60)
    assert held.ran == [0, 1, 3]
    assert backlog.offer(5, 600), "what was done has left"
    assert backlog.drain(60)


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
