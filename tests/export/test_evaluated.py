"""A run is exported only as it was evaluated, under the labels of its training."""

import json
from typing import Any

import numpy as np
import pytest

from export.errors import LabelsError, NotAsEvaluatedError
from export.evaluated import check_evaluated, mislabelled
from models.example import Example
from store.manifest import Metric

LABELS = ("negative", "positive")
ACCURACY = Metric(name="accuracy", value=0.9, data="held out", rows=1000)


def _preprocess(body: bytes) -> Any:
    return np.array([[len(json.loads(body))]], np.float32)


def _predict(batch: Any) -> Any:
    """Texts of more than four letters are positive."""
    return np.concatenate([4 - batch, batch - 4], axis=1).astype(np.float32)


def _example(text: str, label: str, **facts: Any) -> Example:
    made = Example.of(text, "application/json", json.dumps(text).encode(), label)
    return made.model_copy(update=facts)


def _examples(label_of_long: str, label_of_short: str) -> list[Example]:
    long = [_example("wonderful" + "!" * number, label_of_long) for number in range(12)]
    return long + [_example("bad"[: number % 3 + 1], label_of_short) for number in range(12)]


def test_a_run_as_it_was_evaluated_passes() -> None:
    kept = _example("wonderful", "positive", answer=(-5.0, 5.00001))
    check_evaluated([kept, *_examples("positive", "negative")], LABELS, [ACCURACY], _preprocess, _predict)


@pytest.mark.parametrize(("logits", "apart"), [((-5.0, 5.1), "2.0e-02"), ((-5.0,), "inf"), ((-5.0, np.nan), "inf")])
def test_another_answer_than_at_the_evaluation_is_told(logits: tuple[float, ...], apart: str) -> None:
    kept = _example("wonderful", "positive", answer=logits)
    text = (
        f"example wonderful is answered otherwise than when the run was evaluated: answers differ by {apart}, expected"
    )
    with pytest.raises(NotAsEvaluatedError, match=text):
        check_evaluated([kept], LABELS, [], _preprocess, _predict)


def test_a_model_that_diverged_is_as_it_was_evaluated() -> None:
    kept = _example("wonderful", "positive", answer=(np.nan, np.nan))
    check_evaluated([kept], LABELS, [], _preprocess, lambda batch: np.full((len(batch), 2), np.nan, np.float32))


def test_shifted_labels_are_told() -> None:
    text = "0 of 24 held-out examples are read as they are labelled, the evaluation says 90%"
    with pytest.raises(LabelsError, match=text):
        check_evaluated(_examples("negative", "positive"), LABELS, [ACCURACY], _preprocess, _predict)
    with pytest.raises(LabelsError, match=text):
        check_evaluated(_examples("positive", "negative"), LABELS[::-1], [ACCURACY], _preprocess, _predict)


def test_without_an_accuracy_labels_are_not_judged() -> None:
    other = ACCURACY.model_copy(update={"name": "f1"})
    check_evaluated(_examples("negative", "positive"), LABELS, [other], _preprocess, _predict)


def test_vectors_are_compared_and_have_no_labels_to_be_judged() -> None:
    kept = _example("wonderful", "", answer=(-5.0, 5.00001))
    check_evaluated([kept], (), [ACCURACY], _preprocess, _predict)
    with pytest.raises(NotAsEvaluatedError, match=r"answers differ by 2\.0e-02"):
        check_evaluated([kept.model_copy(update={"answer": (-5.0, 5.1)})], (), [ACCURACY], _preprocess, _predict)


@pytest.mark.parametrize(
    ("right", "rows", "accuracy", "expected"),
    [
        (1, 40, 0.5, True),  # ten digits, shifted by one, after a short training
        (5, 24, 0.75, True),  # two labels swapped
        (40, 40, 1.0, False),
        (33, 40, 0.995, False),  # examples may be harder than what was measured
        (2, 4, 0.99, False),  # too few to tell
        (3, 40, 0.1, False),  # a model that learnt nothing
        (0, 0, 0.9, False),
    ],
)
def test_the_verdict_on_labels(right: int, rows: int, accuracy: float, *, expected: bool) -> None:
    assert mislabelled(right, rows, ACCURACY.model_copy(update={"value": accuracy})) is expected
