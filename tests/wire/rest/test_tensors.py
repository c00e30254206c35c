"""`instances` and `inputs` to tensors, and what is said of those that do not fit."""

import sys
import tracemalloc
from types import FrameType
from typing import Any

import numpy as np
import pytest
from grpc import StatusCode
from numpy.testing import assert_array_equal

from wire.errors import RestError
from wire.rest.tensors import columnar, rows

FLOAT, DOUBLE, INT32, UINT8, INT8, STRING, INT64, BOOL, HALF, UINT32, UINT64 = 1, 2, 3, 4, 6, 7, 9, 10, 19, 22, 23
X = {"x": FLOAT}


@pytest.mark.parametrize(
    ("value", "dtype", "array"),
    [
        (1, FLOAT, np.array(1, "f4")),
        ([1, 2.5], FLOAT, np.array([1, 2.5], "f4")),
        ([[1], [2]], DOUBLE, np.array([[1.0], [2.0]])),
        ([], FLOAT, np.zeros(0, "f4")),
        ([[], []], FLOAT, np.zeros((2, 0), "f4")),
        ([1e39, float("nan")], FLOAT, np.array([np.inf, np.nan], "f4")),
        ([2**80], FLOAT, np.array([2.0**80], "f4")),
        ([300, -1], UINT8, np.array([44, 255], "u1")),
        ([-(2**63), 2**63 - 1], INT64, np.array([-(2**63), 2**63 - 1])),
        ([2**64 - 1], UINT64, np.array([2**64 - 1], "u8")),
        ([2**32 - 1], UINT32, np.array([2**32 - 1], "u4")),
        ([True, False], BOOL, np.array([True, False])),
        (["ü", {"b64": "/wA="}], STRING, np.array(["ü".encode(), b"\xff\x00"], object)),
        ({"b64": ""}, STRING, np.array(b"", object)),
        (["\udcff"], STRING, np.array([b"\xff"], object)),
        ([[], []], HALF, np.zeros((2, 0), "f2")),
    ],
)
def test_values(value: Any, dtype: int, array: Any) -> None:
    read = columnar(value, {"x": dtype})["x"]
    assert read.dtype == array.dtype
    assert_array_equal(read, array)


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        ("a", FLOAT, 'JSON Value: "a" Type: String is not of expected type: float'),
        ([True], FLOAT, "JSON Value: true Type: True is not of expected type: float"),
        ([None], STRING, "JSON Value: null Type: Null is not of expected type: string"),
        ([1], STRING, "JSON Value: 1 Type: Number is not of expected type: string"),
        ([{"a": 1}], FLOAT, 'JSON Value: {\n    "a": 1\n} Type: Object is not of expected type: float'),
        ([1.0], INT32, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
        ([2**31], INT32, "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
        ([2**31], INT8, "JSON Value: 2147483648 Type: Number is not of expected type: int8"),
        ([-1], UINT32, "JSON Value: -1 Type: Number is not of expected type: uint32"),
        ([1], BOOL, "JSON Value: 1 Type: Number is not of expected type: bool"),
        ([[1, 2], [3]], FLOAT, "Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
        ([1, [2]], FLOAT, "Encountered list at unexpected level: 1 expected < 1"),
        ([[1], 2], FLOAT, "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
        ({"b64": 1}, STRING, "Missing named input: x in 'inputs' object."),
        ([{"b64": 1}], STRING, 'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data'),
        (
            [{"b64": "", "c": 1}],
            STRING,
            'JSON Value: {\n    "b64": "",\n    "c": 1\n} not formatted correctly for base64 data',
        ),
        ([{"b64": "?"}], STRING, "Unable to base64 decode"),
        ([{"b64": "ü"}], STRING, "Unable to base64 decode"),
    ],
)
def test_columnar_values_that_do_not_fit(value: Any, dtype: int, message: str) -> None:
    with pytest.raises(RestError) as caught:
        columnar(value, {"x": dtype})
    assert (caught.value.code, caught.value.message) == (StatusCode.INVALID_ARGUMENT, message)


def test_a_type_that_json_does_not_have() -> None:
    with pytest.raises(RestError, match="Conversion of JSON Value: 1 to type: half") as caught:
        columnar([1], {"x": HALF})
    assert caught.value.code is StatusCode.UNIMPLEMENTED
    with pytest.raises(RestError, match=r"Conversion of JSON Value: \[\] to type: 20"):
        columnar([], {"x": 20})
    with pytest.raises(RestError, match=r"JSON Value: {} Type: Object is not of expected type: half"):
        columnar([{}], {"x": HALF})
    with pytest.raises(RestError, match="Error: UNIMPLEMENTED: Conversion of JSON Value: 1 to type: half") as caught:
        rows([1], {"x": HALF})
    assert caught.value.code is StatusCode.INVALID_ARGUMENT


def test_columnar_objects_take_what_they_need() -> None:
    read = columnar({"a": [1], "b": 2, "extra": "?"}, {"a": FLOAT, "b": INT32})
    assert {name: array.tolist() for name, array in read.items()} == {"a": [1], "b": 2}
    with pytest.raises(RestError, match="inputs is a plain value/list, but expecting an object"):
        columnar([1], {"a": FLOAT, "b": INT32})
    with pytest.raises(RestError, match="Missing named input: b in 'inputs' object"):
        columnar({"a": [1]}, {"a": FLOAT, "b": INT32})


def test_a_nest_deeper_than_any_tensor() -> None:
    value: Any = 1
    for _ in range(100):
        value = [value]
    with pytest.raises(RestError, match="unexpected level"):
        columnar(value, X)
    with pytest.raises(RestError, match="unexpected level"):
        rows([value, value], X)


def test_rows_of_values_and_of_objects() -> None:
    assert rows([1, 2, 3], X)["x"].tolist() == [1, 2, 3]
    assert rows([[[1]], [[2]]], X)["x"].shape == (2, 1, 1)
    assert rows([{"x": [1, 2]}, {"x": [3, 4]}], X)["x"].tolist() == [[1, 2], [3, 4]]
    assert rows([{"b64": "QQ=="}, "B"], {"x": STRING})["x"].tolist() == [b"A", b"B"]
    both = rows([{"a": 1, "b": 2}, {"b": 4, "a": 3}], {"a": FLOAT, "b": INT32})
    assert {name: array.tolist() for name, array in both.items()} == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("instances", "inputs", "message"),
    [
        ([1], {"a": FLOAT, "b": FLOAT}, "instances is a plain list, but expecting list of objects as multiple input "
         "tensors required as per tensorinfo_map"),
        ([{"b64": "QQ=="}], {"a": STRING, "b": STRING}, "instances is a plain list, but expecting list of objects as "
         "multiple input tensors required as per tensorinfo_map"),
        ([{"x": 1}, 2], X, "Expecting object but got list at item 1 of input list"),
        ([1, {"x": 2}], X, "Expecting value/list but got object at item 1 of input list"),
        ([{"y": 1}], X, "Failed to process element: 0 key: y of 'instances' list. Error: INVALID_ARGUMENT: JSON "
         "object: does not have named input: y"),
        ([{"a": 1}], {"a": FLOAT, "b": FLOAT}, "Failed to process element: 0 of 'instances' list. JSON object: {\n    "
         '"a": 1\n} keys must be equal to: a,b'),
        ([{}], X, "Failed to process element: 0 of 'instances' list. JSON object: {} keys must be equal to: x"),
        ([[1], [1, 2]], X, "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting "
         "tensor size: 1 but got: 2"),
        ([[[1, 2]], [[1], [2]]], X, "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
         "Expecting shape [1,2] but got: [2,1]"),
        ([{"x": "a"}], X, "Failed to process element: 0 key: x of 'instances' list. Error: INVALID_ARGUMENT: JSON "
         'Value: "a" Type: String is not of expected type: float'),
        ([1, None], X, "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: null "
         "Type: Null is not of expected type: float"),
    ],
)  # fmt: skip
def test_rows_that_do_not_fit(instances: list[Any], inputs: dict[str, int], message: str) -> None:
    with pytest.raises(RestError) as caught:
        rows(instances, inputs)
    assert (caught.value.code, caught.value.message) == (StatusCode.INVALID_ARGUMENT, message)


MANY = 20_000


@pytest.mark.parametrize(
    ("instances", "dtype", "says"),
    [
        ([[]] * MANY + [[1]], FLOAT, "tensor size: 0 but got: 1"),
        ([[1]] * MANY + [[1, 2]], FLOAT, "tensor size: 1 but got: 2"),
        ([1] * MANY + [{"x": 1}], FLOAT, f"Expecting value/list but got object at item {MANY}"),
        ([{"x": 1}] * MANY + [1], FLOAT, f"Expecting object but got list at item {MANY}"),
        ([{"x": 1}] * MANY + [{"x": [1]}], FLOAT, "Expecting shape [] but got: [1]"),
        ([{"x": 1}] * MANY + [{}], FLOAT, f"element: {MANY} of 'instances' list. JSON object: {{}} keys must be"),
        (
            [{"b64": ""}] * MANY + [{"b64": "="}],
            STRING,
            f"element: {MANY} of 'instances' list. Error: INVALID_ARGUMENT: Unable",
        ),
        ([[*[[1]] * MANY, [1, 2]]], FLOAT, "unexpected size: 2 at level: 1 expected size: 1"),
        ([[*[[1]] * MANY, 1]], FLOAT, "JSON Value: 1 found at incorrect level: 2"),
        ([[*[1] * MANY, "a"]], FLOAT, 'JSON Value: "a" Type: String'),
        ([[[[[*[1] * MANY, None]]]]], FLOAT, "JSON Value: null Type: Null"),
    ],
)
def test_a_fault_behind_many_values_is_found_among_the_last_of_them(
    instances: list[Any], dtype: int, says: str
) -> None:
    """A body may have millions: none becomes an array or is gone through on its own before it is near the fault."""
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += event == "call" and frame.f_code.co_filename == rows.__code__.co_filename

    tracemalloc.start()
    sys.setprofile(count)
    try:
        with pytest.raises(RestError) as caught:
            rows(instances, {"x": dtype})
    finally:
        sys.setprofile(None)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert says in caught.value.message
    assert peak < 100 * MANY
    assert calls < 4 * MANY


def test_rows_of_as_many_dimensions_as_an_array_has() -> None:
    value: Any = 1
    for _ in range(63):
        value = [value]
    assert rows([value, value], X)["x"].shape == (2, *[1] * 63)
