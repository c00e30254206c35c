"""JSON as TensorFlow Serving's REST interface reads and writes it: its grammar, its number forms, its messages."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
from grpc import StatusCode

from wire import dtypes
from wire.errors import RestError
from wire.rest.base64 import b64_text
from wire.tensors import Array

_SHOWN = 256  # bytes of a JSON value that a message repeats

# What Python's json says, and what RapidJSON says of the same text.
_REASONS = {
    "Expecting value": "Invalid value.",
    "Expecting property name enclosed in double quotes": "Missing a name for object member.",
    "Expecting ':' delimiter": "Missing a colon after a name of object member.",
    "Unterminated string starting at": "Missing a closing quotation mark in string.",
    "Invalid control character at": "Invalid encoding in string.",
    "Invalid \\escape": "Invalid escape character in string.",
    "Invalid \\uXXXX escape": "Incorrect hex digit after \\u escape in string.",
}
# An escape in a string; `lone` is half of a surrogate pair without the other half.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_INT64_DIGITS = 20  # with the sign
# A string, to its end or the text's: once begun it always matches, and possessively, so that no text makes the search
# go back. One that did would be quadratic, with the interpreter's lock held.
_A_STRING = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
_STRING = re.compile(_A_STRING, re.DOTALL)
_A_NUMBER = r"-?\d++(?:\.\d++)?(?:[eE][-+]?\d++)?"
_TELLING = 100  # characters of a number by which it is looked for
# A number up to what is missing behind it; the group is the part that is one without it.
_BROKEN_NUMBERS = {
    "fraction part": re.compile(r"(\d++)\."),
    "exponent": re.compile(r"(\d++(?:\.\d++)?)[eE][-+]?"),
}
_BLANK = "\ufeff \t\r\n"
_INF = re.compile(rf"({_A_STRING})|\bInf\b", re.DOTALL)


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object at the start of `body`; what follows it is ignored. NaN, Infinity and Inf are numbers.

    Bytes that are not UTF-8 survive in strings as surrogate escapes.

    Raises:
        RestError: INVALID_ARGUMENT, with the offset in bytes.
    """
    if not body:
        raise RestError(StatusCode.INVALID_ARGUMENT, "JSON Parse error: The document is empty")
    try:
        document = orjson.loads(body)  # several times faster, but strict
    except orjson.JSONDecodeError:
        document = _parse_leniently(body)
    if not isinstance(document, dict):
        raise RestError(StatusCode.INVALID_ARGUMENT, f"JSON Value: {show(document)} Is not object")
    return document


def _parse_leniently(body: bytes) -> Any:
    text = body.decode(errors="surrogateescape")
    start = len(text) - len(text.lstrip(_BLANK))
    if "Inf" in text:
        text = _INF.sub(lambda match: match[1] or "Infinity", text)
    try:
        document, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as exc:
        reason, at = _reason(exc, text)
        raise _parse_error(reason, text[:at]) from exc
    except _TooBig as exc:
        raise _parse_error("Number too big to be stored in double.", text[: _too_big(text, exc.digits)]) from exc
    except RecursionError as exc:
        raise RestError(StatusCode.INVALID_ARGUMENT, "JSON Parse error: The document is nested too deeply") from exc
    for escape in _ESCAPE.finditer(text, start, end):
        if escape["lone"]:
            raise _parse_error("The surrogate pair in string is invalid.", text[: escape.start()])
    return document


class _TooBig(Exception):  # noqa: N818 (never leaves this module)
    """A number beyond float64."""

    def __init__(self, digits: str) -> None:
        super().__init__()
        self.digits = digits


def _whole(digits: str) -> int | float:
    """A whole number, a float beyond 64 bits.

    Raises:
        _TooBig: it is beyond float64, too.
    """
    if len(digits) <= _INT64_DIGITS and -(2**63) <= (number := int(digits)) < 2**64:
        return number
    approximate = float(digits)
    if math.isinf(approximate):
        raise _TooBig(digits)
    return approximate


def _real(digits: str) -> float:
    """Raises `_TooBig` beyond float64."""
    number = float(digits)
    if math.isinf(number):
        raise _TooBig(digits)
    return number


_DECODER = json.JSONDecoder(parse_int=_whole, parse_float=_real)


def _too_big(text: str, digits: str) -> int:
    """Where the first number beyond float64, which is this one, begins. The millions before it are passed over."""
    begins_alike = rf"(?<![\w.+-])(?={re.escape(digits[:_TELLING])})"
    pattern = re.compile(rf"{_A_STRING}|{begins_alike}(?P<number>{_A_NUMBER})", re.DOTALL | re.ASCII)
    found = (match for match in pattern.finditer(text) if match["number"])
    return next((match.start() for match in found if math.isinf(float(match["number"]))), 0)


def _reason(error: json.JSONDecodeError, text: str) -> tuple[str, int]:
    """RapidJSON's words for what Python's parser stumbled over, and where RapidJSON would stop."""
    at = error.pos
    if at == len(text) and not text.strip(_BLANK):
        return "The document is empty.", at
    for missing, broken_number in _BROKEN_NUMBERS.items():
        found = broken_number.match(text, len(text[:at].rstrip("0123456789.")))
        if found and found.end(1) == at:
            return f"Miss {missing} in number.", found.end()
    return _REASONS.get(error.msg) or _missing_comma(text[:at]), at


def _missing_comma(before: str) -> str:
    """Whether the comma is missing in an object or an array: which of the two is open at the end of `before`."""
    brackets = _STRING.sub("", before)
    depth = {"}": 0, "]": 0}
    for char in reversed(brackets):
        if char in depth:
            depth[char] += 1
        elif char in "{[":
            closing = "}" if char == "{" else "]"
            if not depth[closing]:
                what = "object member" if char == "{" else "array element"
                return f"Missing a comma or {closing} after an {what}."
            depth[closing] -= 1
    return "The document root must not be followed by other values."


def _parse_error(reason: str, before: str) -> RestError:
    offset = len(before.encode(errors="surrogateescape"))
    return RestError(StatusCode.INVALID_ARGUMENT, f"JSON Parse error: {reason} at offset: {offset}")


def signature_name(document: dict[str, Any]) -> str:
    """The signature that a body asks for, "" if it leaves that open.

    Raises:
        RestError: INVALID_ARGUMENT, it is no string.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise RestError(
            StatusCode.INVALID_ARGUMENT,
            f"JSON Value: {show(document)} not formatted correctly. 'signature_name' key must be a string value.",
        )
    return name


def type_name(value: Any) -> str:
    """RapidJSON's name of a value's type."""
    match value:
        case None:
            return "Null"
        case bool():
            return "True" if value else "False"
        case dict():
            return "Object"
        case list():
            return "Array"
        case str():
            return "String"
    return "Number"


def show(value: Any) -> str:
    """A value as messages repeat it: pretty, arrays on one line, cut. Only as much is written as is shown."""
    shown = ""
    for token in _tokens(value, 0):
        shown += token
        if len(shown) > _SHOWN:
            break
    return shown.encode(errors="replace")[:_SHOWN].decode(errors="ignore")


def _tokens(value: Any, depth: int) -> Iterator[str]:
    match value:
        case dict() if value:
            lead = "{\n"
            for key, item in value.items():
                yield f"{lead}{' ' * 4 * (depth + 1)}{quote(key)}: "
                yield from _tokens(item, depth + 1)
                lead = ",\n"
            yield f"\n{' ' * 4 * depth}}}"
        case list():
            lead = "["
            for item in value:
                yield lead
                yield from _tokens(item, depth + 1)
                lead = ", "
            yield "]" if value else "[]"
        case float():
            yield _decimals(np.array([value]))[0]
        case str():
            yield quote(value[:_SHOWN])
        case _:
            yield quote(value)


def quote(value: Any) -> str:
    """A string or another plain value as JSON; non-ASCII characters stay as they are."""
    return json.dumps(value, ensure_ascii=False)


def tensor_text(name: str, array: Array, *, rows: bool) -> list[str]:
    """A tensor as JSON texts: one per row, or a single one for the whole of it.

    Strings of a tensor whose name ends in `_bytes` are written as base64 objects.

    Raises:
        RestError: INVALID_ARGUMENT, the dtype has no JSON form.
    """
    texts = _element_texts(name, array)
    for axis in range(array.ndim - 1, 0 if rows else -1, -1):
        size = array.shape[axis]
        count = int(np.prod(array.shape[:axis]))
        texts = ["[" + ", ".join(texts[i * size : (i + 1) * size]) + "]" for i in range(count)]
    return texts


def _element_texts(name: str, array: Array) -> list[str]:
    flat = array.ravel()
    kind, size = flat.dtype.kind, flat.dtype.itemsize
    if kind == "f" and size in (4, 8):
        return _decimals(flat)
    if kind == "b":
        return ["true" if item else "false" for item in flat.tolist()]
    if kind in "iu" and flat.dtype != np.uint16:
        return [str(item) for item in flat.tolist()]
    if kind == "O":
        return [_string_text(item, as_bytes=name.endswith("_bytes")) for item in flat.tolist()]
    wire_type = dtypes.of_numpy(flat.dtype)
    raise RestError(
        StatusCode.INVALID_ARGUMENT,
        f"Failed to write JSON value for tensor type: {wire_type.name if wire_type else flat.dtype.name}",
    )


def _string_text(item: bytes, *, as_bytes: bool) -> str:
    if as_bytes:
        return b64_text(item)
    return quote(item.decode(errors="surrogateescape"))


def _decimals(flat: Array) -> list[str]:
    """Six digits where they parse back to the same value, else as many as the type needs; always with "." or "e"."""
    short = [f"{value:.6g}" for value in flat.tolist()]
    with np.errstate(over="ignore"):
        exact = (np.array(short, dtype=np.float64).astype(flat.dtype) == flat).tolist()
    digits = 9 if flat.dtype == np.float32 else 17
    texts = [
        text if same else f"{value:.{digits}g}" for text, same, value in zip(short, exact, flat.tolist(), strict=True)
    ]
    return [_SPECIAL.get(text) or (text if "." in text or "e" in text else text + ".0") for text in texts]


_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
