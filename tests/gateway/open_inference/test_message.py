"""The messages of ModelInfer: typed contents and memory, and what is neither."""

import tracemalloc
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidTensorsError, OverLimitError
from gateway.open_inference.datatypes import BY_NAME
from gateway.open_inference.message import read_message, write_message
from gateway.open_inference.tensors import Output
from wire import messages
from wire.tensors import from_proto, to_proto

TYPED = [name for name in BY_NAME if BY_NAME[name].contents not in (None, "bytes_contents")]


def message(datatype: str, shape: list[int], raw: bytes | None = None, **contents: Any) -> Any:
    request = messages.ModelInferRequest(id="7")
    request.inputs.add(name="x", datatype=datatype, shape=shape)
    if raw is not None:
        request.raw_input_contents.append(raw)
    for field, values in contents.items():
        getattr(request.inputs[0].contents, field).extend(values)
    return request


def array_of(request: Any) -> Any:
    return from_proto(read_message(request).call.request.inputs["x"])


@pytest.mark.parametrize("name", TYPED)
def test_typed_contents_are_read(name: str) -> None:
    sent = np.arange(6).reshape(2, 3).astype(BY_NAME[name].numpy)
    contents = {str(BY_NAME[name].contents): sent.ravel().tolist()}
    received = array_of(message(name, [2, 3], None, **contents))
    assert received.dtype == sent.dtype
    np.testing.assert_array_equal(received, sent)


def test_bytes_are_read() -> None:
    assert array_of(message("BYTES", [2], bytes_contents=[b"a", b"\xff"])).tolist() == [b"a", b"\xff"]


def test_memory_is_read() -> None:
    assert array_of(message("FP16", [1], b"\x00\x3c")).tolist() == [1.0]


REFUSED = {
    "too few": (message("INT32", [2], int_contents=[1]), "1 elements"),
    "none": (message("INT32", [2]), "0 elements"),
    "another field": (message("INT32", [1], int64_contents=[1]), "int64_contents"),
    "two fields": (message("INT32", [1], int_contents=[1], fp32_contents=[1]), "int_contents alone"),
    "out of range": (message("UINT8", [1], uint_contents=[256]), "UINT8 cannot be"),
    "half floats": (message("FP16", [1], fp32_contents=[1]), "raw_input_contents only"),
    "both": (message("INT32", [1], b"1234", int_contents=[1]), "expected one of them"),
    "too much memory": (message("INT32", [1], b"12345"), "5 bytes"),
    "negative": (message("INT32", [-1], b""), "negative"),
    "huge": (message("INT32", [2**62, 2**62], b""), "more than can be sent"),
    "no datatype": (message("", [1], b""), "datatype"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_tensor_that_is_not_what_it_says(case: str) -> None:
    request, says = REFUSED[case]
    with pytest.raises(InvalidTensorsError, match=says):
        read_message(request)


@pytest.mark.parametrize("field", ["inputs", "outputs"])
def test_more_tensors_than_are_accepted_are_refused_before_one_is_looked_at(field: str) -> None:
    request = message("INT32", [1], int_contents=[1])
    request.MergeFromString({"inputs": b"\x2a\x00", "outputs": b"\x32\x00"}[field] * 1001)
    with pytest.raises(OverLimitError, match=f"100[12] {field} received; at most 1000"):
        read_message(request)


def test_of_a_hundred_thousand_parameters_those_that_mean_something_are_looked_at() -> None:
    request = message("INT32", [1], int_contents=[1])
    for parameters in (request.parameters, request.inputs[0].parameters, request.outputs.add(name="y").parameters):
        for number in range(100_000):
            parameters[str(number)].int64_param = number
    request.parameters["signature"].string_param = "raw"
    tracemalloc.start()
    try:
        assert read_message(request).call.signature == "raw"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**20


def test_a_name_of_megabytes_is_not_repeated() -> None:
    twice = messages.ModelInferRequest()
    for _ in range(2):
        twice.inputs.add(name="n" * 10**6, datatype="INT32", shape=[1]).contents.int_contents.append(1)
    both = message("INT32", [1], b"1234", int_contents=[1])
    both.inputs[0].name = "n" * 10**6
    for request in (twice, both):
        with pytest.raises(InvalidTensorsError, match="input 'nnn") as caught:
            read_message(request)
        assert len(str(caught.value)) < 300


def test_memory_for_another_number_of_inputs() -> None:
    request = message("INT32", [1], b"1234")
    request.raw_input_contents.append(b"1234")
    with pytest.raises(InvalidTensorsError, match="2 raw_input_contents for 1 inputs"):
        read_message(request)


def test_an_input_that_stands_twice() -> None:
    request = message("INT32", [1], int_contents=[1])
    request.inputs.append(request.inputs[0])
    with pytest.raises(InvalidTensorsError, match="twice"):
        read_message(request)


def test_parameters_are_read_by_their_kind() -> None:
    request = message("INT32", [1], int_contents=[1])
    request.parameters["signature"].string_param = "raw"
    assert read_message(request).call.signature == "raw"
    request.parameters["signature"].int64_param = 1
    with pytest.raises(InvalidTensorsError, match="signature"):
        read_message(request)
    request.parameters["signature"].Clear()
    assert read_message(request).call.signature is None


@pytest.mark.parametrize("array", [np.array([[1, 2]], np.int16), np.array([b"a", b"\xff"], object), np.array([0.5])])
def test_outputs_go_in_the_form_of_the_inputs(array: Any) -> None:
    typed = write_message(read_message(message("INT32", [1], int_contents=[1])), "m", 3, [Output("y", to_proto(array))])
    memory = write_message(read_message(message("INT32", [1], b"1234")), "m", 3, [Output("y", to_proto(array))])
    assert (typed.id, typed.model_name, typed.model_version) == ("7", "m", "3")
    [output] = typed.outputs
    assert not typed.raw_output_contents
    [(_, values)] = output.contents.ListFields()
    assert list(values) == array.ravel().tolist()
    assert list(output.shape) == list(array.shape)
    assert not memory.outputs[0].HasField("contents")
    assert len(memory.raw_output_contents) == 1


def test_half_floats_go_as_memory() -> None:
    infer = read_message(message("INT32", [1], int_contents=[1]))
    response = write_message(infer, "m", 3, [Output("y", to_proto(np.array([1.0], np.float16)))])
    assert list(response.raw_output_contents) == [b"\x00\x3c"]


@given(st.binary(max_size=200))
def test_any_message_is_read_or_refused(body: bytes) -> None:
    with suppress(DecodeError, InvalidTensorsError):
        read_message(messages.ModelInferRequest.FromString(body))
