"""Classify on real signatures: what it answers, and which signatures and outputs it refuses."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from serving.errors import Code, RequestError
from serving.inference.classify import classify
from tests.serving.calls import CallOn, example, spec
from wire import messages


def request(signature: str, *weights: float, **context: float) -> Any:
    made = messages.ClassificationRequest(model_spec=spec(signature))
    if context:
        made.input.example_list_with_context.context.CopyFrom(example(**context))
        made.input.example_list_with_context.examples.extend([messages.Example() for _ in weights])
    else:
        made.input.example_list.examples.extend([example(weight=weight, x=weight) for weight in weights])
    return made


def answers(response: Any) -> list[list[tuple[str, float]]]:
    return [[(c.label, float(np.float32(c.score))) for c in row.classes] for row in response.result.classifications]


def test_labels_and_scores_of_each_example(call: CallOn) -> None:
    response = classify(call("animals"), request("", 4, 500))
    best = [max(row, key=lambda pair: pair[1]) for row in answers(response)]
    assert best == [("cat", 1.0), ("horse", 1.0)]
    assert [len(row) for row in answers(response)] == [3, 3]
    used = response.model_spec
    assert (used.name, used.version.value, used.signature_name) == ("animals", 7, "serving_default")


def test_labels_alone_and_scores_alone(call: CallOn) -> None:
    assert answers(classify(call("animals"), request("classes", 4))) == [[("cat", 0), ("dog", 0), ("horse", 0)]]
    assert answers(classify(call("half-plus-two"), request("classify_x_to_y", 2, 4))) == [[("", 3)], [("", 4)]]


def test_the_context_is_part_of_every_example(call: CallOn) -> None:
    response = classify(call("half-plus-two"), request("classify_x_to_y", 0, 0, x=6))
    assert answers(response) == [[("", 5)], [("", 5)]]


INVALID, PRECONDITION = Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("model", "asked", "code", "text"),
    [
        ("animals", request("none", 1), INVALID, "No signature was found with the name: none"),
        ("animals", request(""), INVALID, "Input is empty."),
        ("animals", messages.ClassificationRequest(model_spec=spec()), INVALID, "Input is empty."),
        ("animals", request("uneven", 1), INVALID,
         "Tensors class and score should match in dim_size(1). Got 2 vs. 3"),
        ("many", request("", 1), INVALID, "Expected one input Tensor."),
        ("half-plus-two", request("", 1), PRECONDITION, "No classification inputs found in SignatureDef: inputs {"),
        ("half-plus-two", request("three_outputs", 1), INVALID, "Expected one or two output Tensors, found 3"),
        ("half-plus-two", request("other_outputs", 1), PRECONDITION, "Expected classification signature outputs to "
         'contain at least one of "classes" or "scores". Signature was: inputs {'),
        ("half-plus-two", request("flat_scores", 1), INVALID,
         "Expected Tensor shape: [batch_size num_classes] but got [1]"),
        ("half-plus-two", request("double_scores", 1), INVALID, "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
        ("half-plus-two", request("one_score", 1, 2), INVALID, "Expected scores output batch size of 2. Got: 1"),
    ],
)  # fmt: skip
def test_what_is_refused(call: CallOn, model: str, asked: Any, code: Code, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        classify(call(model), asked)
    assert caught.value.code is code
    assert caught.value.message.startswith(text)
    assert caught.value.message == text or text.endswith("{")


def test_a_feature_that_the_graph_misses(call: CallOn) -> None:
    asked = messages.ClassificationRequest(model_spec=spec())
    asked.input.example_list.examples.add()
    with pytest.raises(RequestError, match=r"Feature: weight \(data type: float\) is required but could not be found"):
        classify(call("animals"), asked)


def test_the_method_name_counts_on_request_only(call: CallOn) -> None:
    classify(replace(call("half-plus-two"), check_method_names=True), request("classify_x_to_y", 1))
    with pytest.raises(RequestError) as caught:
        classify(replace(call("animals"), check_method_names=True), request("", 1))
    assert caught.value.message == (
        "Expected classification signature method_name to be tensorflow/serving/classify. "
        "Was: tensorflow/serving/predict"
    )
