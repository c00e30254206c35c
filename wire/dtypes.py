"""TensorFlow's data types and numpy's, side by side in one table."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class WireType:
    """How one data type travels: enum value, TensorFlow's name, numpy's dtype, and its typed field of TensorProto."""

    enum: int
    name: str
    numpy: np.dtype[Any]
    field: str


_TABLE = (
    WireType(1, "float", np.dtype(np.float32), "float_val"),
    WireType(2, "double", np.dtype(np.float64), "double_val"),
    WireType(3, "int32", np.dtype(np.int32), "int_val"),
    WireType(4, "uint8", np.dtype(np.uint8), "int_val"),
    WireType(5, "int16", np.dtype(np.int16), "int_val"),
    WireType(6, "int8", np.dtype(np.int8), "int_val"),
    WireType(7, "string", np.dtype(object), "string_val"),
    WireType(9, "int64", np.dtype(np.int64), "int64_val"),
    WireType(10, "bool", np.dtype(np.bool_), "bool_val"),
    WireType(17, "uint16", np.dtype(np.uint16), "int_val"),
    WireType(19, "half", np.dtype(np.float16), "half_val"),
    WireType(22, "uint32", np.dtype(np.uint32), "uint32_val"),
    WireType(23, "uint64", np.dtype(np.uint64), "uint64_val"),
)

BY_ENUM = {wire_type.enum: wire_type for wire_type in _TABLE}
_BY_NUMPY = {wire_type.numpy: wire_type for wire_type in _TABLE}

STRING = BY_ENUM[7]
HALF = BY_ENUM[19]


def of_numpy(dtype: np.dtype[Any]) -> WireType | None:
    """The wire type of a numpy dtype, None if it has none. Fixed-width bytes (`S…`) and text (`U…`) are strings."""
    return STRING if dtype.kind in "SUO" else _BY_NUMPY.get(dtype.newbyteorder("="))
