"""MultiInference: several signatures, one version, results in the order of the tasks."""

from dataclasses import replace
from typing import Any

import pytest

from serving.errors import Code, RequestError
from serving.inference.multi_inference import multi_inference
from tests.serving.calls import CallOn, example, spec
from wire import messages

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


def request(*tasks: tuple[str, str], values: tuple[float, ...] = (2, 20)) -> Any:
    """`tasks` are signatures and methods."""
    made = messages.MultiInferenceRequest()
    for signature, method in tasks:
        made.tasks.add(model_spec=spec(signature), method_name=method)
    made.input.example_list.examples.extend([example(x=value) for value in values])
    return made


def test_results_in_the_order_of_the_tasks(call: CallOn) -> None:
    asked = request(("regress_x_to_y3", REGRESS), ("classify_x_to_y", CLASSIFY), ("regress_x_to_y", REGRESS))
    one = call("half-plus-two")
    third, classes, second = multi_inference(one, asked).results
    assert [r.value for r in third.regression_result.regressions] == [4, 13]
    assert [c.classes[0].score for c in classes.classification_result.classifications] == [3, 12]
    assert [r.value for r in second.regression_result.regressions] == [3, 12]
    used = [
        (r.model_spec.name, r.model_spec.version.value, r.model_spec.signature_name) for r in (third, classes, second)
    ]
    assert used == [("half-plus-two", 7, task.model_spec.signature_name) for task in asked.tasks]
    assert ':tensorflow:serving:request_example_counts_count{model="half-plus-two"} 1' in one.metrics.text()
    assert ':tensorflow:serving:request_example_count_total{model="half-plus-two"} 2' in one.metrics.text()


def unnamed() -> Any:
    made = request(("regress_x_to_y", REGRESS), ("classify_x_to_y", CLASSIFY))
    made.tasks[1].model_spec.name = ""
    return made


def elsewhere() -> Any:
    made = request(("regress_x_to_y", REGRESS), ("classify_x_to_y", CLASSIFY))
    made.tasks[1].model_spec.name = "other"
    return made


@pytest.mark.parametrize(
    ("asked", "code", "text"),
    [
        (unnamed(), Code.INVALID_ARGUMENT, "Found ModelSpec with an empty model name."),
        (elsewhere(), Code.INVALID_ARGUMENT,
         "All ModelSpecs in a MultiInferenceRequest must access the same model name."),
        (request(("regress_x_to_y", REGRESS), ("regress_x_to_y", CLASSIFY)), Code.INVALID_ARGUMENT,
         "Duplicate evaluation of signature: regress_x_to_y"),
        (request(("none", REGRESS)), Code.INVALID_ARGUMENT, "Requested signature not found in model graph: none"),
        (request(("", "tensorflow/serving/predict")), Code.UNIMPLEMENTED,
         "Unsupported signature method_name: tensorflow/serving/predict"),
        (request(("regress_x_to_y", REGRESS), values=()), Code.INVALID_ARGUMENT, "Input is empty."),
        (request(("three_outputs", CLASSIFY)), Code.INVALID_ARGUMENT,
         "Expected one or two output Tensors, found 3"),
        (request(("other_outputs", REGRESS)), Code.INVALID_ARGUMENT, "Expected one output Tensor."),
    ],
)  # fmt: skip
def test_what_is_refused(call: CallOn, asked: Any, code: Code, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        multi_inference(call("half-plus-two"), asked)
    assert (caught.value.code, caught.value.message) == (code, text)


def test_the_method_name_counts_on_request_only(call: CallOn) -> None:
    asked = request(("two_numbers", REGRESS), values=(1,))
    with pytest.raises(RequestError, match=r"Was: tensorflow/serving/predict"):
        multi_inference(replace(call("half-plus-two"), check_method_names=True), asked)
