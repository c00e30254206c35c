"""Weights of a graph model of TensorFlow.js, from the bytes of its files."""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

_TYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4"}
_LEVELS = {"uint8": "|u1", "uint16": "<u2"}


def read_tfjs(model: bytes, shards: bytes) -> dict[str, NDArray[np.float32]]:
    """Every tensor of weights by its name: those of floating-point numbers that are no single number.

    Args:
        model: the document `model.json`, or the list of weights alone, as face-api.js has it.
        shards: the files that its manifest names, one after another.

    Raises:
        DataError: not of this format, cut short, or with numbers of another type than float32, float16 and int32, or
            quantised otherwise than in levels of 8 or 16 bits.
    """
    found: dict[str, NDArray[np.float32]] = {}
    place = 0
    try:
        document = json.loads(model)
        groups = document if isinstance(document, list) and document else document["weightsManifest"]
        entries = [entry for group in groups for entry in group["weights"]]
        for entry in entries:
            values, place = _tensor(entry, shards, place)
            if values.dtype.kind == "f" and values.ndim:
                found[entry["name"]] = values.astype(np.float32)
    except (KeyError, TypeError, ValueError) as exc:
        raise DataError(f"not a whole model of TensorFlow.js: {exc!r}") from exc
    if place != len(shards):
        raise DataError(f"not a whole model of TensorFlow.js: {len(shards)} bytes of weights, expected {place}")
    return found


def _tensor(entry: Any, shards: bytes, place: int) -> tuple[NDArray[Any], int]:
    """The one that begins at `place`, and where it ends."""
    told = entry.get("quantization", entry)
    in_levels = told["dtype"] in _LEVELS
    dtype = np.dtype((_LEVELS if in_levels else _TYPES)[told["dtype"]])
    count = math.prod(entry["shape"])
    values = np.frombuffer(shards, dtype, count, place).reshape(entry["shape"])
    if in_levels:
        values = values.astype(np.float32) * np.float32(told["scale"]) + np.float32(told["min"])
    return values, place + count * dtype.itemsize
