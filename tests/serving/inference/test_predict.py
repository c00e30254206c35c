"""Predict on real signatures: which inputs fit, the forms of the answer, and types of every kind."""

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from serving.errors import Code, RequestError
from serving.inference.predict import check_inputs, predict
from serving.servable import Interface
from tests.serving.calls import CallOn, spec
from wire import messages
from wire.tensors import Array, from_proto, write_proto


def request(signature: str = "", outputs: tuple[str, ...] = (), /, **inputs: Array) -> Any:
    made = messages.PredictRequest(model_spec=spec(signature), output_filter=outputs)
    for alias, array in inputs.items():
        write_proto(array, made.inputs[alias])
    return made


@pytest.mark.parametrize("sent", [["a", "b"], ["a"], ["b", "a"]])
def test_inputs_that_fit(sent: list[str]) -> None:
    check_inputs(signature(defaults=["b"]), sent)


@pytest.mark.parametrize(
    ("sent", "defaults", "message"),
    [
        ([], [], "input size does not match signature: 0!=2 len({}) != len({a,b}). Sent extra: {}. Missing but "
         "required: {a,b}."),
        (["a", "b", "c"], ["b"], "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). Sent extra: "
         "{c}. Missing but required: {}."),
        (["b"], ["b"], "Signature input alias: a(feed name: a:0) not found in request and no default value provided. "
         "Inputs expected to be in the request {b}, or default input alias set: {b}"),
        (["a", "c"], ["b"], "Inputs contains invalid name. Used request inputs: {a}, request input: {a,c}"),
    ],
)  # fmt: skip
def test_inputs_that_do_not_fit(sent: list[str], defaults: list[str], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_inputs(signature(defaults), sent)
    assert (caught.value.code, caught.value.message) == (Code.INVALID_ARGUMENT, message)


def signature(defaults: list[str]) -> Interface:
    made = messages.SignatureDef()
    for name in ("a", "b"):
        made.inputs[name].name = f"{name}:0"
    for name in defaults:
        made.defaults[name].dtype = 1
    return Interface.of(made)


def test_numbers_are_typed_values_unless_content_is_asked_for(call: CallOn) -> None:
    asked = request(x=np.array([2, 4], "f4"))
    typed = predict(call("plus-2"), asked)
    assert list(typed.outputs["y"].float_val) == [3, 4]
    assert not typed.outputs["y"].tensor_content
    content = predict(call("plus-2"), asked, tensor_content=True)
    assert content.outputs["y"].tensor_content == np.array([3, 4], "<f4").tobytes()
    assert (typed.model_spec.version.value, typed.model_spec.signature_name) == (7, "serving_default")


@pytest.mark.parametrize(
    ("signature", "field", "given", "answered"),
    [
        ("double", "double_val", np.array([1 / 3]), [1 / 3]),
        ("half", "half_val", np.array([1, -2], "f2"), [0x3C00, 0xC000]),
        ("bfloat16", "half_val", np.array([1, -2], ml_dtypes.bfloat16), [0x3F80, 0xC000]),
        ("bool", "bool_val", np.array([True, False]), [False, True]),
        ("complex", "scomplex_val", np.array([1 + 2j], "c8"), [1, -2]),
        ("complex128", "dcomplex_val", np.array([1 + 2j, 3j]), [1, -2, 0, -3]),
        ("uint16", "int_val", np.array([65535], "u2"), [65535]),
        ("uint64", "uint64_val", np.array([2**64 - 1], "u8"), [2**64 - 1]),
        ("quantised", "int_val", np.array([-3], "i1").view([("qint8", "i1")]), [-3]),
        ("strings", "string_val", np.array([b"a\0"], object), [b"a\0"]),
    ],
)
def test_every_type_there_and_back(call: CallOn, signature: str, field: str, given: Array, answered: list[Any]) -> None:
    alias, output = ("text", "text") if signature == "strings" else ("x", "y")
    asked = request(signature, **{alias: given})
    typed = predict(call("many"), asked).outputs[output]
    content = predict(call("many"), asked, tensor_content=True).outputs[output]
    assert typed.dtype == content.dtype == asked.inputs[alias].dtype
    assert list(getattr(typed, field)) == answered
    assert_array_equal(from_proto(typed), from_proto(content))


def test_outputs_of_the_filter_only_and_in_any_order(call: CallOn) -> None:
    a, b = np.array([3], "f4"), np.array([1], "f4")
    assert set(predict(call("many"), request(a=a, b=b)).outputs) == {"sum", "difference"}
    assert set(predict(call("many"), request("", ("sum",), a=a, b=b)).outputs) == {"sum"}


@pytest.mark.parametrize(
    ("asked", "code", "text"),
    [
        (request("none"), Code.FAILED_PRECONDITION, 'Serving signature key "none" not found.'),
        (request("half", ("z",), x=np.array([1], "f2")), Code.INVALID_ARGUMENT,
         "output tensor alias not found in signature: z Outputs expected to be in the set {y}."),
        (request("half", ("y", "y"), x=np.array([1], "f2")), Code.INVALID_ARGUMENT,
         "duplicate output tensor alias: y"),
        (request("half", x=np.array([1], "c8")), Code.INVALID_ARGUMENT,
         "Expects arg[0] to be half but complex64 is provided"),
    ],
)  # fmt: skip
def test_what_is_refused(call: CallOn, asked: Any, code: Code, text: str) -> None:
    with pytest.raises(RequestError) as caught:
        predict(call("many"), asked)
    assert (caught.value.code, caught.value.message) == (code, text)


def test_an_output_that_has_no_wire_form(call: CallOn) -> None:
    with pytest.raises(RequestError, match="output y has no wire form: dtype float8_e5m2") as caught:
        predict(call("float8"), request(x=np.array([1], "f4")))
    assert caught.value.code is Code.UNIMPLEMENTED


@pytest.mark.parametrize("inputs", [{"inputs": np.array([b""], object)}, {}])
def test_the_method_name_counts_on_request_and_before_the_inputs(call: CallOn, inputs: dict[str, Array]) -> None:
    asked = request("other_outputs", **inputs)
    with pytest.raises(RequestError) as caught:
        predict(replace(call("half-plus-two"), check_method_names=True), asked)
    assert (caught.value.code, caught.value.message) == (
        Code.INTERNAL,
        "Expected prediction signature method_name to be one of {tensorflow/serving/predict, "
        "tensorflow/serving/classify, tensorflow/serving/regress}. Was: tensorflow/serving/other",
    )


def test_state_lasts_from_call_to_call(call: CallOn) -> None:
    def count(signature: str, **inputs: Array) -> float:
        return float(from_proto(predict(call("counter"), request(signature, **inputs)).outputs["count"]))

    before = count("get")
    assert count("incr", delta=np.array(2, "f4")) == before + 2
    assert count("get") == before + 2


def test_rows_of_many_lengths(call: CallOn) -> None:
    outputs = predict(call("ragged"), request(tokens=np.array([[5, 6, 0], [7, 0, 0], [0, 0, 0]]))).outputs
    assert from_proto(outputs["length"]).tolist() == [2, 1, 0]
    assert from_proto(outputs["flat"]).tolist() == [5, 6, 7]


def test_the_time_of_the_run_is_counted(call: CallOn) -> None:
    one = call("plus-2")
    predict(one, request(x=np.array([1], "f4")))
    line = ':tensorflow:serving:runtime_latency_count{model_name="plus-2",API="Test",runtime="TF1"} 1'
    assert line in one.metrics.text()
