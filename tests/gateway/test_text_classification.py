"""What a model says of texts is looked at whole, whatever of it is told: by this a version proves itself, too."""

import json
from typing import Any

import numpy as np
import pytest

from gateway.alone import asking
from gateway.deadline import Deadline
from gateway.errors import BrokenAnswerError
from gateway.settings import Limits
from gateway.tasks.base import Tensors
from gateway.tasks.text_classification import TextClassification, TextClassificationRequest
from processing.spec import TextSpec
from processing.text import TextEncoder
from tests.support.manifests import manifest

_TOKENIZER = {
    "version": "1.0",
    "added_tokens": [],
    "pre_tokenizer": {"type": "Whitespace"},
    "model": {"type": "WordLevel", "vocab": {"?": 0, "a": 1, "film": 2}, "unk_token": "?"},
}
_SPEC = TextSpec(input="token_ids", max_tokens=4, pad_id=0)
_RIGHT = {"logits": [[0.0, 2.0]], "probabilities": [[0.1, 0.9]]}


def _answered(outputs: dict[str, Any], text: str = "a film", windows: int | None = None) -> Any:
    told = manifest().model_copy(update={"labels": ("bad", "good"), "task": "text-classification"})
    task = TextClassification(told, _SPEC, TextEncoder(json.dumps(_TOKENIZER), _SPEC), Limits())
    parameters = {"windows": windows} if windows else None
    request = TextClassificationRequest.model_validate({"inputs": text, "parameters": parameters})
    arrays: Tensors = {name: np.array(rows, np.float32) for name, rows in outputs.items()}

    def run(_signature: str, _inputs: Tensors) -> Tensors:
        return arrays

    inputs = task.preprocess(request, lambda: None)
    found = task.infer(request, inputs, asking(run, lambda _: None, task.signature, Deadline.after(60)))
    return task.postprocess(request, found).model_dump()


def test_scores_are_the_models_own() -> None:
    [[best, other]] = _answered(_RIGHT)
    assert (best["label"], other["label"]) == ("good", "bad")
    assert best["score"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("amiss", "told"),
    [
        ({"logits": [[float("nan"), 2.0]]}, "logits with values that are not finite"),
        ({"logits": [[1.0, 2.0, 3.0]]}, "expected floats"),
        ({"logits": None}, "without 'logits'"),
        ({"probabilities": [[float("inf"), 0.0]]}, "probabilities with values that are not finite"),
    ],
)
def test_an_output_that_is_broken_is_an_error_though_it_is_not_told(amiss: dict[str, Any], told: str) -> None:
    outputs = {name: rows for name, rows in (_RIGHT | amiss).items() if rows is not None}
    with pytest.raises(BrokenAnswerError, match=told):
        _answered(outputs)


def test_windows_of_a_text_are_averaged() -> None:
    outputs = {"logits": [[0.0, 2.0], [2.0, 0.0]], "probabilities": [[0.1, 0.9], [0.3, 0.7]]}
    [[best, other]] = _answered(outputs, "a film a film a film a", windows=2)
    assert (best["score"], other["score"]) == pytest.approx((0.8, 0.2))
