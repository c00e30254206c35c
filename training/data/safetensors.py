"""The safetensors format: a JSON header with name, type, shape and place of each tensor, then their bytes.

u64 little-endian length of the header, the header, the data, to which `data_offsets` count; row-major, little-endian.
"""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

_PREFIX = 8  # bytes of the header's length
_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}
_METADATA = "__metadata__"  # of whoever wrote the file, no tensor


def read_safetensors(content: bytes) -> dict[str, NDArray[Any]]:
    """Every tensor by its name, without a copy.

    Raises:
        DataError: not of this format, cut short, or with numbers of a type that NumPy does not have.
    """
    try:
        begin = _PREFIX + int.from_bytes(content[:_PREFIX], "little")
        header = json.loads(content[_PREFIX:begin])
        return {name: _tensor(content, begin, entry) for name, entry in header.items() if name != _METADATA}
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as exc:
        raise DataError(f"not a whole safetensors file: {exc}") from exc


def _tensor(content: bytes, begin: int, entry: Any) -> NDArray[Any]:
    kind, shape = np.dtype(_TYPES[entry["dtype"]]), tuple(entry["shape"])
    first, end = entry["data_offsets"]
    count = math.prod(shape)
    if not 0 <= first <= end <= len(content) - begin or end - first != count * kind.itemsize:
        raise ValueError(f"a tensor of shape {shape} at {first} to {end} of {len(content) - begin} bytes")
    return np.frombuffer(content, kind, count, begin + first).reshape(shape)
