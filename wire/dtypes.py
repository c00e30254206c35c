"""TensorFlow's data types and numpy's, side by side in one table."""

from dataclasses import dataclass
from typing import Any

import numpy as np

try:
    from ml_dtypes import bfloat16
except ImportError:  # it comes with TensorFlow; a process without that has no such arrays either
    _BFLOAT16 = None
else:
    _BFLOAT16 = np.dtype(bfloat16)

BFLOAT16 = 14  # TensorFlow's enum value


@dataclass(frozen=True)
class WireType:
    """How one data type travels: enum value, TensorFlow's name, numpy's dtype, and its typed field of TensorProto.

    Attributes:
        stored: the dtype of one number in the typed field; a complex element takes two of them.
    """

    enum: int
    name: str
    numpy: np.dtype[Any]
    field: str
    stored: np.dtype[Any]

    @property
    def stored_per_element(self) -> int:
        return self.numpy.itemsize // self.stored.itemsize


def _type(enum: int, name: str, numpy: Any, field: str, stored: Any = None) -> WireType:
    return WireType(enum, name, np.dtype(numpy), field, np.dtype(numpy if stored is None else stored))


def _quantised(enum: int, name: str, stored: Any) -> WireType:
    """numpy has no such types; TensorFlow uses structures of one field."""
    return _type(enum, name, [(name, stored)], "int_val", stored)


_TABLE = (
    _type(1, "float", np.float32, "float_val"),
    _type(2, "double", np.float64, "double_val"),
    _type(3, "int32", np.int32, "int_val"),
    _type(4, "uint8", np.uint8, "int_val"),
    _type(5, "int16", np.int16, "int_val"),
    _type(6, "int8", np.int8, "int_val"),
    _type(7, "string", object, "string_val"),
    _type(8, "complex64", np.complex64, "scomplex_val", np.float32),
    _type(9, "int64", np.int64, "int64_val"),
    _type(10, "bool", np.bool_, "bool_val"),
    _quantised(11, "qint8", np.int8),
    _quantised(12, "quint8", np.uint8),
    _quantised(13, "qint32", np.int32),
    *([_type(BFLOAT16, "bfloat16", _BFLOAT16, "half_val", np.uint16)] if _BFLOAT16 else []),
    _quantised(15, "qint16", np.int16),
    _quantised(16, "quint16", np.uint16),
    _type(17, "uint16", np.uint16, "int_val"),
    _type(18, "complex128", np.complex128, "dcomplex_val", np.float64),
    _type(19, "half", np.float16, "half_val", np.uint16),
    _type(22, "uint32", np.uint32, "uint32_val"),
    _type(23, "uint64", np.uint64, "uint64_val"),
)

BY_ENUM = {wire_type.enum: wire_type for wire_type in _TABLE}
ENUM_BY_NAME = {name: wire_type.enum for wire_type in _TABLE for name in (wire_type.name, wire_type.numpy.name)}
ENUM_BY_NAME["bfloat16"] = BFLOAT16  # also where numpy has no such arrays
_BY_NUMPY = {wire_type.numpy: wire_type for wire_type in _TABLE}

FLOAT = BY_ENUM[1]
STRING = BY_ENUM[7]
BOOL = BY_ENUM[10]


def of_numpy(dtype: np.dtype[Any]) -> WireType | None:
    """The wire type of a numpy dtype, None if it has none. Fixed-width bytes (`S…`) and text (`U…`) are strings."""
    return STRING if dtype.kind in "SUO" else _BY_NUMPY.get(dtype.newbyteorder("="))
