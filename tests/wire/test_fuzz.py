"""Whatever the bytes are: a value or the error that is meant for it, and never much memory."""

import json
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wire import dtypes, messages
from wire.errors import RestError, TensorError
from wire.rest.examples import fill_request
from wire.rest.json import parse, show
from wire.rest.tensors import columnar, rows
from wire.tensors import from_proto

_MOST = 2**23  # bytes: a hundred times what any of these inputs has

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.builds(lambda text: {"b64": text}, st.text(st.sampled_from("Aa0+/= \n?"), max_size=8))
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["x", "y", "b64"]), inner, max_size=3),
    max_leaves=12,
)
inputs = st.dictionaries(st.sampled_from("xy"), st.sampled_from([*dtypes.BY_ENUM, 20, 99]), min_size=1)


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
@example(b'{"a": "\\ud800"}')
@example(b'{"a": 1e999}')
@example(b'{"a": ' + b"9" * 400 + b"}")
@example(b'{"\xff": "\\u00"}')
def test_any_bytes_as_json(body: bytes) -> None:
    try:
        document = parse(body)
    except RestError as exc:
        exc.message.encode(errors="surrogateescape")
    else:
        assert isinstance(document, dict)
        show(document).encode()


@given(values, inputs)
def test_any_value_as_tensors(value: Any, signature: dict[str, int]) -> None:
    for read in (columnar, rows):
        if read is rows and not (isinstance(value, list) and value):
            continue
        try:
            tensors = read(value, signature)
        except RestError as exc:
            exc.message.encode(errors="surrogateescape")
        else:
            assert tensors.keys() == signature.keys()
            for name, tensor in tensors.items():
                assert tensor.dtype == dtypes.BY_ENUM[signature[name]].numpy


@given(st.dictionaries(st.sampled_from(["examples", "context", "signature_name"]), values))
def test_any_value_as_examples(document: dict[str, Any]) -> None:
    request = messages.RegressionRequest()
    try:
        fill_request(document, request)
    except RestError as exc:
        exc.message.encode(errors="surrogateescape")
    else:
        request.SerializeToString()


dims = st.lists(st.integers(-3, 5) | st.sampled_from([2**31, 2**62, -(2**63)]), max_size=5)
numbers = st.lists(st.integers(-(2**31), 2**31 - 1), max_size=6)


@st.composite
def protos(draw: st.DrawFn) -> Any:
    made = messages.TensorProto(dtype=draw(st.sampled_from([*dtypes.BY_ENUM, 0, 20, 24, 99])))
    for size in draw(dims):
        made.tensor_shape.dim.add(size=size)
    made.tensor_content = draw(st.binary(max_size=40) | st.just(b""))
    for field in ("int_val", "int64_val", "half_val", "float_val", "double_val", "scomplex_val", "dcomplex_val"):
        getattr(made, field).extend(draw(numbers))
    made.string_val.extend(draw(st.lists(st.binary(max_size=4), max_size=4)))
    return made


def check_tensor(proto: Any) -> None:
    try:
        array = from_proto(proto)
    except TensorError:
        return
    assert array.shape == tuple(dim.size for dim in proto.tensor_shape.dim)
    assert isinstance(array, np.ndarray)
    assert array.nbytes <= _MOST


@given(protos())
@settings(max_examples=300)
def test_any_tensor(proto: Any) -> None:
    check_tensor(proto)


@given(st.binary(max_size=80))
def test_any_bytes_as_a_tensor(body: bytes) -> None:
    try:
        proto = messages.TensorProto.FromString(body)
    except DecodeError:
        return
    check_tensor(proto)
