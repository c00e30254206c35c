"""The protocol's data types, TensorFlow's and numpy's, side by side in one table."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from wire.dtypes import BFLOAT16, BY_ENUM, ENUM_BY_NAME


@dataclass(frozen=True)
class Datatype:
    """One data type.

    Attributes:
        name: the protocol's, e.g. `FP32`.
        enum: TensorFlow's.
        numpy: little-endian, as the elements travel; of BF16 their bits, of BYTES objects.
        contents: the field of `InferTensorContents`; None for those that travel as memory only.
    """

    name: str
    enum: int
    numpy: np.dtype[Any]
    contents: str | None

    @property
    def in_json(self) -> bool:
        """16-bit floats are accepted as memory only, as in Triton."""
        return self.contents is not None


def _type(name: str, enum: int, contents: str | None) -> Datatype:
    numpy = BY_ENUM[enum].numpy if enum != BFLOAT16 else np.dtype(np.uint16)
    return Datatype(name, enum, numpy.newbyteorder("<"), contents)


_TABLE = (
    _type("BOOL", 10, "bool_contents"),
    _type("UINT8", 4, "uint_contents"),
    _type("UINT16", 17, "uint_contents"),
    _type("UINT32", 22, "uint_contents"),
    _type("UINT64", 23, "uint64_contents"),
    _type("INT8", 6, "int_contents"),
    _type("INT16", 5, "int_contents"),
    _type("INT32", 3, "int_contents"),
    _type("INT64", 9, "int64_contents"),
    _type("FP16", 19, None),
    _type("BF16", BFLOAT16, None),
    _type("FP32", 1, "fp32_contents"),
    _type("FP64", 2, "fp64_contents"),
    _type("BYTES", 7, "bytes_contents"),
)

BY_NAME = {datatype.name: datatype for datatype in _TABLE}
OF_TENSORFLOW = {datatype.enum: datatype for datatype in _TABLE}

BYTES = BY_NAME["BYTES"]
BF16 = BY_NAME["BF16"]
BOOL = BY_NAME["BOOL"]


def of_manifest(dtype: str) -> str:
    """The protocol's name of a dtype as manifests write it; that itself, in capitals, where the protocol has none."""
    datatype = OF_TENSORFLOW.get(ENUM_BY_NAME.get(dtype, 0))
    return datatype.name if datatype else dtype.upper()
