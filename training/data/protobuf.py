"""Reads messages of Protocol Buffers field by field, without their descriptions."""

from collections.abc import Iterator
from typing import Any

_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5  # ways to write a field
_MOST_BITS = 63


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The number of each field, and its value: a number, or bytes.

    Raises:
        ValueError, IndexError, KeyError: it is no message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        field, way = key >> 3, key & 7
        value: Any
        if way == _VARINT:
            value, at = _varint(message, at)
        else:
            size, at = _varint(message, at) if way == _SIZED else ({_EIGHT: 8, _FOUR: 4}[way], at)
            value, at = message[at : at + size], at + size
            if at > len(message):
                raise ValueError(f"it ends {at - len(message)} bytes too early")
        yield field, value


def varints(values: bytes) -> list[int]:
    """Numbers one behind the other. Raises as `fields`."""
    numbers, at = [], 0
    while at < len(values):
        number, at = _varint(values, at)
        numbers.append(number)
    return numbers


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of as many bytes as have their highest bit set, and one more; and where it ends."""
    number = shift = 0
    while True:
        if shift > _MOST_BITS:
            raise ValueError("a number goes on beyond ten bytes")
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
