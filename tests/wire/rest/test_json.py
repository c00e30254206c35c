"""JSON in and out in TensorFlow Serving's forms."""

import json
import re
import subprocess
import sys
from types import FrameType

import numpy as np
import pytest

from wire.errors import RestError
from wire.rest.json import parse, show, tensor_text, type_name
from wire.tensors import Array


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (b'{"a": [1, 2.0, "x", null, true]}', {"a": [1, 2.0, "x", None, True]}),
        (b' \n{"a": 1} trailing {', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": Infinity, "b": -Infinity, "c": Inf, "d": -Inf, "Inf": "Inf"}',
         {"a": np.inf, "b": -np.inf, "c": np.inf, "d": -np.inf, "Inf": "Inf"}),
        (b'{"a": "\xff"}', {"a": "\udcff"}),
        (b'{"a": Inf, "b": "\\ud83d\\ude00 \\\\ud800"} "\\ud800"', {"a": np.inf, "b": "\U0001f600 \\ud800"}),
        (b'{"a": Inf, "b": 18446744073709551616}', {"a": np.inf, "b": 2.0**64}),
        (b'{"a": 12345678901234567890123}', {"a": 12345678901234567890123.0}),
    ],
)  # fmt: skip
def test_what_is_read(body: bytes, document: object) -> None:
    assert parse(body) == document


def test_nan_is_read() -> None:
    assert np.isnan(parse(b'{"a": NaN}')["a"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON Parse error: The document is empty"),
        (b"{", "JSON Parse error: Missing a name for object member. at offset: 1"),
        (b"x", "JSON Parse error: Invalid value. at offset: 0"),
        (b'{"a" 1}', "JSON Parse error: Missing a colon after a name of object member. at offset: 5"),
        (b'{"a": 1 "b"}', "JSON Parse error: Missing a comma or } after an object member. at offset: 8"),
        (b'{"a": [1 2]}', "JSON Parse error: Missing a comma or ] after an array element. at offset: 9"),
        (b'{"\xc3\xbc": }', "JSON Parse error: Invalid value. at offset: 7"),
        (b'{"a": "', "JSON Parse error: Missing a closing quotation mark in string. at offset: 6"),
        (b'{"a": ' + b"9" * 5000 + b"}", "JSON Parse error: Number too big to be stored in double. at offset: 6"),
        (b'{"1e999": [1e308, -1e309]}', "JSON Parse error: Number too big to be stored in double. at offset: 18"),
        (b'{"a": [1e30, "1e309", 11e309, "', "JSON Parse error: Number too big to be stored in double. at offset: 22"),
        (b'{"a": [1e30, 1e309garbage', "JSON Parse error: Number too big to be stored in double. at offset: 13"),
        (
            b'{"a": [' + b"1" * 150 + b", " + b"1" * 400 + b"]}",
            "JSON Parse error: Number too big to be stored in double. at offset: 159",
        ),
        (b" \r\n", "JSON Parse error: The document is empty. at offset: 3"),
        (b'{"a": 1.}', "JSON Parse error: Miss fraction part in number. at offset: 8"),
        (b'{"a": 1.5e-}', "JSON Parse error: Miss exponent in number. at offset: 11"),
        (b'{"a": 1.5.2}', "JSON Parse error: Missing a comma or } after an object member. at offset: 9"),
        (b'{"a": "\\n\\ud800"}', "JSON Parse error: The surrogate pair in string is invalid. at offset: 9"),
        (b'{"a": "\\ud83d\\u0041"}', "JSON Parse error: The surrogate pair in string is invalid. at offset: 7"),
        (
            b'{"a": NaN, "b": 1' + b"0" * 400 + b"}",
            "JSON Parse error: Number too big to be stored in double. at offset: 16",
        ),
        (b"[" * 100_000, "JSON Parse error: The document is nested too deeply"),
        (b"\xff\xfe\x00", "JSON Parse error: Invalid value. at offset: 0"),
        (b"[1, 2]", "JSON Value: [1, 2] Is not object"),
        (b"3", "JSON Value: 3 Is not object"),
        (b'"x"', 'JSON Value: "x" Is not object'),
        (b"null", "JSON Value: null Is not object"),
    ],
)
def test_what_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(RestError) as caught:
        parse(body)
    assert caught.value.message == message


def hostile(text: str) -> str:
    """A program that reads some megabytes; a process of its own, since a search that goes back holds the GIL."""
    return f"""
from wire.errors import RestError
from wire.rest.json import parse
try:
    parse(b'{{"a": Inf, "b": "' + {text})
except RestError as exc:
    print(exc.message)
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (r"rb'\"' * 2**20", "Missing a closing quotation mark in string."),
        (r"rb'\"' * 2**20 + b'\\'", "Missing a closing quotation mark in string."),
        (r"""rb'\"' * 2**20 + b'" "c"'""", "Missing a comma or } after an object member."),
    ],
)
def test_a_large_hostile_body_is_read_in_linear_time(text: str, message: str) -> None:
    """It takes a tenth of a second; hours when each quotation mark begins a new search to the end."""
    done = subprocess.run([sys.executable, "-c", hostile(text)], capture_output=True, text=True, timeout=60, check=True)
    assert message in done.stdout


def test_the_numbers_before_one_too_big_are_not_gone_through_again() -> None:
    read, many = 0, 10_000

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal read
        read += event == "call" and frame.f_code.co_filename == parse.__code__.co_filename

    sys.setprofile(count)
    try:
        with pytest.raises(RestError, match=f"too big to be stored in double. at offset: {2 * many + 7}"):
            parse(b'{"a": [' + b"1," * many + b"1e999]}")
    finally:
        sys.setprofile(None)
    assert read < 1.5 * many


def test_values_in_messages_are_pretty_and_cut() -> None:
    assert show({"a": [1, 2.0], "b": {}}) == '{\n    "a": [1, 2.0],\n    "b": {}\n}'
    assert len(show(["x" * 1000] * 1000)) == 256
    assert len(show(list(range(10**6)))) == 256
    nested: object = 1
    for _ in range(500):
        nested = [nested]
    assert show(nested) == "[" * 256


def test_type_names() -> None:
    values: list[object] = [None, True, False, {}, [], "", 1, 1.5]
    names = [type_name(value) for value in values]
    assert names == ["Null", "True", "False", "Object", "Array", "String", "Number", "Number"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2, "2.0"), (9_000_000, "9e+06"), (1 / 3, "0.333333343"), (0.1, "0.1"), (1e-5, "1e-05"), (-0.0, "-0.0"),
        (16777217, "16777216.0"), (123456.7, "123456.703"), (np.nan, "NaN"), (np.inf, "Infinity"),
        (-np.inf, "-Infinity"), (1e-45, "1.4013e-45"), (3.4028235e38, "3.40282347e+38"),
    ],
)  # fmt: skip
def test_floats(value: float, text: str) -> None:
    assert tensor_text("y", np.array([value], "f4"), rows=False) == [f"[{text}]"]


def test_doubles_have_seventeen_digits_when_they_need_them() -> None:
    array = np.array([1 / 3, 0.1, 2])
    assert tensor_text("y", array, rows=False) == ["[0.33333333333333331, 0.1, 2.0]"]


@pytest.mark.parametrize(
    ("name", "array", "text"),
    [
        ("y", np.array([2**63 - 1, -1]), "[9223372036854775807, -1]"),
        ("y", np.array([2**64 - 1], "u8"), "[18446744073709551615]"),
        ("y", np.array([True, False]), "[true, false]"),
        ("y", np.array([b'"\n', "ü".encode()], object), '["\\"\\n", "ü"]'),
        ("y_bytes", np.array([b"\xff\x00"], object), '[{"b64": "/wA="}]'),
        ("y", np.array([b"\xff"], object), '["\udcff"]'),
        ("y", np.zeros((2, 0, 3), "f4"), "[[], []]"),
        ("y", np.zeros((0, 3), "f4"), "[]"),
        ("y", np.arange(8, dtype="i4").reshape(2, 2, 2), "[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]"),
    ],
)
def test_whole_tensors(name: str, array: Array, text: str) -> None:
    assert tensor_text(name, array, rows=False) == [text]


def test_rows() -> None:
    assert tensor_text("y", np.arange(4, dtype="i4").reshape(2, 2), rows=True) == ["[0, 1]", "[2, 3]"]
    assert tensor_text("y", np.zeros((2, 0), "i4"), rows=True) == ["[]", "[]"]
    assert tensor_text("y", np.zeros((0, 2), "i4"), rows=True) == []


@pytest.mark.parametrize("dtype", ["f2", "u2", "c8"])
def test_types_without_json_form(dtype: str) -> None:
    with pytest.raises(RestError, match=re.escape("Failed to write JSON value for tensor type: ")):
        tensor_text("y", np.zeros(1, dtype), rows=False)


def test_texts_are_json() -> None:
    array = np.random.default_rng(0).normal(size=(5, 7)).astype("f4") * np.float32(10.0) ** np.arange(-3, 4, dtype="f4")
    text = tensor_text("y", array, rows=False)[0]
    np.testing.assert_array_equal(np.array(json.loads(text), "f4"), array)
