"""Regress on real signatures: what it answers, and which signatures and outputs it refuses."""

from dataclasses import replace
from typing import Any

import pytest

from serving.errors import Code, RequestError
from serving.inference.regress import regress
from tests.serving.calls import CallOn, example, spec
from wire import messages


def request(signature: str, *values: float) -> Any:
    made = messages.RegressionRequest(model_spec=spec(signature))
    made.input.example_list.examples.extend([example(x=value) for value in values])
    return made


@pytest.mark.parametrize(("signature", "offset"), [("regress_x_to_y", 2), ("regress_x_to_y3", 3)])
def test_a_number_for_each_example(call: CallOn, signature: str, offset: int) -> None:
    response = regress(call("half-plus-two"), request(signature, 2, 20))
    assert [one.value for one in response.result.regressions] == [1 + offset, 10 + offset]
    used = response.model_spec
    assert (used.name, used.version.value, used.signature_name) == ("half-plus-two", 7, signature)


INVALID, PRECONDITION = Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION


@pytest.mark.parametrize(
    ("model", "asked", "code", "text"),
    [
        ("half-plus-two", request("none", 1), INVALID, "No signature was found with the name: none"),
        ("half-plus-two", request("regress_x_to_y"), INVALID, "Input is empty."),
        ("many", request("", 1), INVALID, "Expected one input Tensor."),
        ("half-plus-two", request("other_outputs", 1), INVALID, "Expected one output Tensor."),
        ("half-plus-two", request("", 1), PRECONDITION, "No regression inputs found in SignatureDef: inputs {"),
        ("half-plus-two", request("classify_x_to_y", 1), PRECONDITION,
         "No regression outputs found in SignatureDef: inputs {"),
        ("half-plus-two", request("two_numbers", 1), INVALID,
         "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,2]"),
        ("half-plus-two", request("one_answer", 1, 2), INVALID,
         "Input batch size did not match output batch size: 2 vs. 1"),
        ("half-plus-two", request("whole_numbers", 1), INVALID, "Expected output Tensor of DT_FLOAT.  Got: DT_INT32"),
    ],
)  # fmt: skip
def test_what_is_refused(call: CallOn, model: str, asked: Any, code: Code, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        regress(call(model), asked)
    assert caught.value.code is code
    assert caught.value.message.startswith(text)
    assert caught.value.message == text or text.endswith("{")


def test_the_method_name_counts_on_request_only(call: CallOn) -> None:
    regress(replace(call("half-plus-two"), check_method_names=True), request("regress_x_to_y", 1))
    with pytest.raises(RequestError) as caught:
        regress(replace(call("half-plus-two"), check_method_names=True), request("two_numbers", 1))
    assert caught.value.message == (
        "Expected regression signature method_name to be tensorflow/serving/regress. Was: tensorflow/serving/predict"
    )
