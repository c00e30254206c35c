"""The body of REST's infer: whatever the bytes are, they are a request or a typed error."""

import json
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gateway.errors import BrokenAnswerError, InvalidTensorsError, MalformedBodyError
from gateway.open_inference.body import LENGTH_HEADER, Infer, read_infer, write_answer
from gateway.open_inference.datatypes import BY_NAME, BYTES
from gateway.open_inference.tensors import Output
from wire import messages
from wire.tensors import from_proto, to_proto, write_values

NUMBERS = [name for name in BY_NAME if name not in ("BYTES", "BF16")]


def body(*inputs: dict[str, Any], binary: bytes = b"", **rest: Any) -> tuple[bytes, str | None]:
    """A request, and the value of its length header."""
    head = json.dumps({"inputs": list(inputs), **rest}).encode()
    return head + binary, str(len(head)) if binary else None


def tensor(shape: list[int], datatype: str = "INT32", name: str = "x", **rest: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, **rest}


def read(*inputs: dict[str, Any], binary: bytes = b"", **rest: Any) -> Infer:
    return read_infer(*body(*inputs, binary=binary, **rest))


def array_of(infer: Infer, name: str = "x") -> Any:
    return from_proto(infer.call.request.inputs[name])


def sized(size: int) -> dict[str, Any]:
    return {"parameters": {"binary_data_size": size}}


# --- What is read


@pytest.mark.parametrize("name", NUMBERS)
def test_binary_numbers_are_read_bit_by_bit(name: str) -> None:
    sent = np.arange(6).reshape(2, 3).astype(BY_NAME[name].numpy)
    memory = sent.tobytes()
    received = array_of(read(tensor([2, 3], name, **sized(len(memory))), binary=memory))
    assert received.dtype == sent.dtype
    np.testing.assert_array_equal(received, sent)


@pytest.mark.parametrize("name", [name for name in NUMBERS if BY_NAME[name].in_json])
@pytest.mark.parametrize("nested", [False, True])
def test_json_numbers_are_read_flat_and_nested(name: str, nested: bool) -> None:
    sent = np.arange(6).reshape(2, 3).astype(BY_NAME[name].numpy)
    received = array_of(read(tensor([2, 3], name, data=(sent if nested else sent.ravel()).tolist())))
    assert received.dtype == sent.dtype
    np.testing.assert_array_equal(received, sent)


@given(arrays.arrays(np.float32, arrays.array_shapes(min_dims=0, max_dims=4, max_side=4)))
def test_any_float_tensor_is_read_from_binary_data(sent: Any) -> None:
    memory = sent.tobytes()
    received = array_of(read(tensor(list(sent.shape), "FP32", **sized(len(memory))), binary=memory))
    assert received.shape == sent.shape
    assert received.tobytes() == memory


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_bytes_are_read_from_binary_data(sent: list[bytes]) -> None:
    memory = b"".join(struct.pack("<I", len(element)) + element for element in sent)
    received = array_of(read(tensor([len(sent)], "BYTES", **sized(len(memory))), binary=memory))
    assert received.tolist() == sent


def test_texts_are_read_from_json() -> None:
    assert array_of(read(tensor([2], "BYTES", data=["a", "ü"]))).tolist() == [b"a", "ü".encode()]


def test_bfloat16_travels_as_memory() -> None:
    proto = read(tensor([1], "BF16", **sized(2)), binary=b"\x80\x3f").call.request.inputs["x"]
    assert (proto.dtype, proto.tensor_content) == (14, b"\x80\x3f")


def test_inputs_share_the_binary_data_in_their_order() -> None:
    infer = read(
        tensor([2], "UINT8", "a", **sized(2)),
        tensor([1], "INT32", "b", data=[7]),
        tensor([1], "UINT8", "c", **sized(1)),
        binary=b"\1\2\3",
    )
    assert [array_of(infer, name).tolist() for name in "abc"] == [[1, 2], [7], [3]]


def test_a_scalar_has_no_dimension() -> None:
    assert array_of(read(tensor([], data=[5]))).shape == ()


def test_what_is_not_known_is_not_looked_at() -> None:
    infer = read(tensor([1], data=[1], parameters={"content_type": "np"}), parameters={"priority": 3}, more=1)
    assert array_of(infer).tolist() == [1]


def test_null_is_as_if_it_were_not_there() -> None:
    plain: dict[str, Any] = {"data": [1], "parameters": None}
    infer = read(tensor([1], **plain), id=None, outputs=None, parameters=None)
    assert (infer.id, infer.call.outputs, infer.binary) == ("", (), frozenset())
    assert read(tensor([1], **plain), outputs=[{"name": "y", "parameters": None}]).call.outputs == ("y",)
    with pytest.raises(MalformedBodyError, match="inputs: Field required"):
        read_infer(b'{"inputs": null}', None)


def test_the_signature_and_the_outputs_are_taken_over() -> None:
    infer = read(
        tensor([1], data=[1]), parameters={"signature": "raw"}, outputs=[{"name": "logits"}, {"name": "labels"}], id="7"
    )
    assert (infer.id, infer.call.signature, infer.call.outputs) == ("7", "raw", ("logits", "labels"))


# --- What is refused


LONG = [1] * 33
REFUSED = {
    "another shape": (tensor([2, 2], data=[1, 2, 3]), "4"),
    "ragged": (tensor([2, 2], data=[[1, 2], [3]]), "nested"),
    "half nested": (tensor([2, 2], data=[[1, 2], 3]), "nested"),
    "nested too deep": (tensor([2], data=[[1], [2]]), "nested"),
    "deeper than the shape": (tensor([1, 1], data=[[[1]]]), "nested deeper"),
    "negative": (tensor([-1], data=[1]), "negative"),
    "huge": (tensor([2**40, 2**40], data=[1]), "more than can be sent"),
    "huge beside nothing": (tensor([0, 2**62], data=[]), "more than can be sent"),
    "too many dimensions": (tensor(LONG, data=[1]), "33 dimensions"),
    "no such datatype": (tensor([1], "FP8", data=[1]), "FP8"),
    "datatype of numpy": (tensor([1], "float32", data=[1]), "float32"),
    "text for a number": (tensor([1], data=["1"]), "str"),
    "true for a number": (tensor([1], data=[True]), "bool"),
    "a fraction": (tensor([1], data=[1.5]), "float"),
    "nothing": (tensor([1], data=[None]), "NoneType"),
    "an object": (tensor([1], data=[{}]), "dict"),
    "a number for true": (tensor([1], "BOOL", data=[1]), "int"),
    "a number for a text": (tensor([1], "BYTES", data=[1]), "int"),
    "out of range": (tensor([1], "UINT8", data=[256]), "UINT8 cannot be"),
    "below zero": (tensor([1], "UINT64", data=[-1]), "UINT64 cannot be"),
    "out of 64 bits": (tensor([1], "INT64", data=[2**63]), "INT64 cannot be"),
    "too large a float": (tensor([1], "FP32", data=[1e300]), "FP32 cannot be"),
    "half floats in JSON": (tensor([1], "FP16", data=[1.0]), "binary data only"),
    "data that is a number": (tensor([1], data=1), "no list"),
    "no data": (tensor([1]), "no list"),
    "shared memory": (tensor([1], parameters={"shared_memory_region": "r"}), "shared_memory_region"),
    "a size that is no number": (tensor([1], parameters={"binary_data_size": "4"}), "no number of bytes"),
    "a size that is true": (tensor([1], parameters={"binary_data_size": True}), "no number of bytes"),
    "a size below zero": (tensor([1], parameters={"binary_data_size": -4}), "no number of bytes"),
    "both forms": (tensor([1], data=[1], **sized(4)), "expected one of them"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_tensor_that_is_not_what_it_says(case: str) -> None:
    wrong, says = REFUSED[case]
    with pytest.raises(InvalidTensorsError, match=says):
        read(wrong)


@pytest.mark.parametrize(
    ("shape", "datatype", "binary", "says"),
    [
        ([2], "INT32", b"1234", "4 bytes"),
        ([1], "INT32", b"12345", "5 bytes"),
        ([1], "BOOL", b"\2", "neither 0 nor 1"),
        ([1], "BYTES", b"\5\0\0\0abc", "inside an element"),
        ([1], "BYTES", b"\xff\xff\xff\xff", "inside an element"),
        ([1], "BYTES", b"\0\0\0\0a", "1 bytes behind"),
        ([2], "BYTES", b"\4\0\0\0abcd", "inside the length"),
        ([2**30], "BYTES", b"\0\0\0\0", "too few"),
    ],
)
def test_binary_data_that_is_not_the_tensor(shape: list[int], datatype: str, binary: bytes, says: str) -> None:
    with pytest.raises(InvalidTensorsError, match=says):
        read(tensor(shape, datatype, **sized(len(binary))), binary=binary)


def test_binary_data_that_ends_too_soon() -> None:
    content, length = body(tensor([2], **sized(8)), binary=b"12345678")
    with pytest.raises(MalformedBodyError, match="7 bytes are left"):
        read_infer(content[:-1], length)


def test_binary_data_that_nobody_asked_for() -> None:
    with pytest.raises(MalformedBodyError, match="3 bytes are left"):
        read(tensor([1], **sized(4)), binary=b"1234567")


def test_binary_data_without_the_header() -> None:
    content, _ = body(tensor([1], **sized(4)))
    with pytest.raises(MalformedBodyError, match=LENGTH_HEADER):
        read_infer(content, None)


@pytest.mark.parametrize("length", ["", "x", "-1", "1e3", "１", "9" * 40, "100000"])
def test_a_length_header_that_lies(length: str) -> None:
    content, _ = body(tensor([1], data=[1]))
    with pytest.raises(MalformedBodyError, match=LENGTH_HEADER):
        read_infer(content, length)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"inputs": [' + b"[" * 10_000 + b"]" * 10_000 + b"]}", "not JSON"),
        (b"[]", "body"),
        (b"{}", "inputs"),
        (b'{"inputs": {}}', "inputs"),
        (b'{"inputs": [1]}', "inputs.0"),
        (b'{"inputs": [{"name": "x", "shape": [1.5], "datatype": "INT32"}]}', "inputs.0.shape.0"),
        (b'{"inputs": [{"name": "x", "shape": [true], "datatype": "INT32"}]}', "inputs.0.shape.0"),
        (b'{"inputs": [{"name": 1, "shape": [1], "datatype": "INT32"}]}', "inputs.0.name"),
        (b'{"inputs": [], "id": 7}', "id"),
        (b'{"inputs": [], "parameters": []}', "parameters"),
        (b'{"inputs": [{"name": "x", "shape": [1], "datatype": "INT32", "data": [NaN]}]}', "not JSON"),
    ],
)
def test_a_body_that_is_no_request(content: bytes, says: str) -> None:
    with pytest.raises(MalformedBodyError, match=says):
        read_infer(content, None)


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ({"parameters": {"signature": 1}}, "signature"),
        ({"parameters": {"binary_data_output": 1}}, "binary_data_output"),
        ({"parameters": {"sequence_id": 1}}, "sequence_id"),
        ({"outputs": [{"name": "y", "parameters": {"binary_data": "yes"}}]}, "binary_data"),
        ({"outputs": [{"name": "y", "parameters": {"classification": 3}}]}, "classification"),
    ],
)
def test_parameters_that_are_not_offered(rest: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidTensorsError, match=says):
        read(tensor([1], data=[1]), **rest)


LONG_NAME = "n" * 10**6
LONG_NAMED: dict[str, list[dict[str, Any]]] = {
    "twice": [tensor([1], data=[1], name=LONG_NAME)] * 2,
    "both forms": [tensor([1], data=[1], name=LONG_NAME, **sized(4))],
    "no number of bytes": [tensor([1], name=LONG_NAME, **sized(-1))],
    "no bytes": [tensor([1], name=LONG_NAME, **sized(4))],
    "another size": [tensor([1], name=LONG_NAME, data=[1, 2])],
    "a datatype": [tensor([1], LONG_NAME, data=[1])],
}


@pytest.mark.parametrize("case", LONG_NAMED)
def test_a_name_of_megabytes_is_not_repeated(case: str) -> None:
    with pytest.raises((InvalidTensorsError, MalformedBodyError), match="input '") as caught:
        read(*LONG_NAMED[case])
    assert "n" * 101 not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_of_a_shape_the_first_dimensions_are_told() -> None:
    with pytest.raises(InvalidTensorsError) as caught:
        read(tensor([1] * 31 + [2], data=[1]))
    assert "[1, 1, 1, 1, 1, 1, 1, 1, …]" in str(caught.value)


def test_an_input_that_stands_twice() -> None:
    with pytest.raises(InvalidTensorsError, match="twice"):
        read(tensor([1], data=[1]), tensor([1], data=[2]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
TENSORS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["x", "y", ""]),
        "shape": st.lists(st.integers(-2, 4) | st.sampled_from([2**31, 2**63, 2**64]), max_size=4),
        "datatype": st.sampled_from([*BY_NAME, "?"]),
    },
    optional={
        "data": JSON,
        "parameters": st.dictionaries(
            st.sampled_from(["binary_data_size", "z"]), st.integers(-1, 40) | JSON, max_size=2
        ),
    },
)


def read_or_refuse(content: bytes, length: str | None) -> None:
    try:
        infer = read_infer(content, length)
    except (InvalidTensorsError, MalformedBodyError):
        return
    for proto in infer.call.request.inputs.values():
        if proto.dtype != 14:  # numpy has it only where TensorFlow is installed
            from_proto(proto)


@given(st.binary(max_size=200), st.none() | st.text(max_size=5) | st.integers(0, 200).map(str))
def test_any_bytes_are_read_or_refused(content: bytes, length: str | None) -> None:
    read_or_refuse(content, length)


@given(JSON, st.binary(max_size=50))
def test_any_json_is_read_or_refused(document: Any, binary: bytes) -> None:
    head = json.dumps(document).encode()
    read_or_refuse(head + binary, str(len(head)))


@given(st.lists(TENSORS, max_size=3), st.binary(max_size=60))
def test_any_request_is_read_or_refused(inputs: list[dict[str, Any]], binary: bytes) -> None:
    head = json.dumps({"inputs": inputs}).encode()
    read_or_refuse(head + binary, str(len(head)))


# --- What is answered


def answered(infer: Infer, **outputs: Any) -> tuple[dict[str, Any], bytes]:
    """The JSON and the binary data of an answer."""
    content, length = write_answer(infer, "m", 3, [Output(name, proto) for name, proto in outputs.items()])
    return json.loads(content[:length]), content[length:] if length is not None else b""


def test_outputs_go_in_the_form_that_each_was_asked_for() -> None:
    infer = read(
        tensor([1], data=[1]),
        outputs=[{"name": "a", "parameters": {"binary_data": True}}, {"name": "b"}],
    )
    document, binary = answered(
        infer, a=to_proto(np.array([[1, 2]], np.int16)), b=to_proto(np.array([0.5], np.float32))
    )
    first, second = document["outputs"]
    assert first == {"name": "a", "datatype": "INT16", "shape": [1, 2], "parameters": {"binary_data_size": 4}}
    assert second == {"name": "b", "datatype": "FP32", "shape": [1], "data": [0.5]}
    assert binary == np.array([1, 2], "<i2").tobytes()


def test_all_outputs_are_binary_if_that_is_asked_for() -> None:
    infer = read(tensor([1], data=[1]), parameters={"binary_data_output": True})
    document, binary = answered(infer, a=to_proto(np.array([b"ab", b""], object)))
    assert document["outputs"][0]["parameters"] == {"binary_data_size": 10}
    assert binary == b"\2\0\0\0ab\0\0\0\0"


def test_numbers_that_json_has_not_are_null() -> None:
    document, _ = answered(read(tensor([1], data=[1])), a=to_proto(np.array([np.nan, np.inf, 1], np.float32)))
    assert document["outputs"][0]["data"] == [None, None, 1.0]


def test_typed_values_of_a_model_server_become_memory() -> None:
    proto = messages.TensorProto()
    write_values(np.array([[1, -2]], np.int64), proto)
    _, binary = answered(read(tensor([1], data=[1]), parameters={"binary_data_output": True}), a=proto)
    assert binary == np.array([1, -2], "<i8").tobytes()


def test_a_tensor_of_a_type_that_the_protocol_has_not() -> None:
    with pytest.raises(BrokenAnswerError, match="no name for"):
        Output("a", to_proto(np.array([1j])))


def test_bfloat16_is_told_as_a_number() -> None:
    proto = messages.TensorProto(dtype=14)
    proto.tensor_shape.dim.add(size=1)
    proto.tensor_content = b"\x80\x3f"
    document, _ = answered(read(tensor([1], data=[1])), a=proto)
    assert document["outputs"] == [{"name": "a", "datatype": "BF16", "shape": [1], "data": [1.0]}]


def test_bytes_that_are_no_text_are_binary_data_only() -> None:
    with pytest.raises(InvalidTensorsError, match="binary_data"):
        answered(read(tensor([1], data=[1])), a=to_proto(np.array([b"\xff"], object)))


def test_every_type_is_in_the_table_once() -> None:
    assert len(BY_NAME) == 14
    assert BYTES.numpy == np.dtype(object)


@pytest.mark.parametrize(
    "document",
    [
        {"inputs": [{}] * 100_000},
        {"inputs": [tensor(["a"] * 100_000)]},  # type: ignore[list-item]  # a fault
        {"inputs": [tensor([1])], "outputs": [{}] * 100_000},
        {"inputs": [tensor([1] * 100_000)]},
    ],
    ids=["inputs", "sides", "outputs", "dimensions"],
)
def test_of_a_hundred_thousand_faults_one_is_noted(document: dict[str, Any]) -> None:
    """They were all noted: 16 MB of them took five minutes and 14 GB."""
    content = json.dumps(document).encode()
    tracemalloc.start()
    try:
        with pytest.raises(MalformedBodyError) as caught:
            read_infer(content, None)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 200
    assert peak < 32 * 2**20
