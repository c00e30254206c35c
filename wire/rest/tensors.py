"""The REST interface's `instances` and `inputs`: JSON values to tensors.

Well-formed values are converted in bulk. Whatever does not fit is gone through once more, in TensorFlow Serving's
order, to say the first thing that is wrong in its words: in bulk as far as all is well, from there value by value.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NoReturn

import numpy as np
from grpc import StatusCode

from wire import dtypes
from wire.dtypes import WireType
from wire.errors import RestError
from wire.rest.base64 import b64_bytes, is_b64
from wire.rest.json import show, type_name
from wire.tensors import Array

_MAX_RANK = 63  # numpy's, less the batch dimension that rows add
_AT_ONCE = 1024  # values among which a fault is looked for one by one
_INT32 = range(-(2**31), 2**31)
_INTEGERS = {
    "int32": _INT32,
    "uint8": _INT32,  # the narrow ones are read as int32 and wrap around, as in TensorFlow Serving
    "int16": _INT32,
    "int8": _INT32,
    "int64": range(-(2**63), 2**63),
    "uint32": range(2**32),
    "uint64": range(2**64),
}
_READABLE = {"float", "double", "bool", "string", *_INTEGERS}  # the others TensorFlow Serving does not read from JSON


def columnar(value: Any, inputs: Mapping[str, int]) -> dict[str, Array]:
    """The tensors of `{"inputs": value}`. `inputs` gives each input's data type (TensorFlow's enum)."""
    if isinstance(value, dict) and not is_b64(value):
        tensors = {}
        for name in sorted(inputs):
            if name not in value:
                raise _invalid(f"Missing named input: {name} in 'inputs' object.")
            tensors[name] = _tensor(value[name], inputs[name])
        return tensors
    if len(inputs) > 1:
        raise _invalid(
            "inputs is a plain value/list, but expecting an object as multiple input tensors required as per "
            "tensorinfo_map"
        )
    name, dtype = next(iter(inputs.items()))
    return {name: _tensor(value, dtype)}


def rows(instances: Sequence[Any], inputs: Mapping[str, int]) -> dict[str, Array]:
    """The tensors of `{"instances": instances}`, not empty: one row per item, all items of one shape."""
    if not _is_named(instances[0]) and len(inputs) > 1:
        raise _invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors required as per "
            "tensorinfo_map"
        )
    try:
        return _bulk_rows(instances, inputs)
    except _Irregular:
        _complain_of_rows(instances, inputs)


class _Irregular(Exception):  # noqa: N818 (never leaves this module)
    """A value that the bulk way does not take."""


def _bulk_rows(instances: Sequence[Any], inputs: Mapping[str, int]) -> dict[str, Array]:
    columns = _columns(instances, inputs)
    return {name: _bulk(column, inputs[name], most_rank=_MAX_RANK + 1) for name, column in columns.items()}


def _columns(instances: Sequence[Any], inputs: Mapping[str, int]) -> Mapping[str, Sequence[Any]]:
    if not _is_named(instances[0]):
        return {next(iter(inputs)): instances}
    if not all(isinstance(item, dict) and item.keys() == inputs.keys() for item in instances):
        raise _Irregular
    return {name: [item[name] for item in instances] for name in inputs}


def _bulk(value: Any, dtype: int, most_rank: int = _MAX_RANK) -> Array:
    """A regular nest of lists as one array."""
    wire_type = dtypes.BY_ENUM.get(dtype)
    if wire_type is None:
        raise _Irregular
    shape: list[int] = []
    level = [value]
    while level and type(level[0]) is list:
        if set(map(type, level)) != {list} or len(set(map(len, level))) != 1 or len(shape) == most_rank:
            raise _Irregular
        shape.append(len(level[0]))
        level = list(chain.from_iterable(level))
    if level and wire_type.name not in _READABLE:
        raise _Irregular
    return _leaves(level, wire_type).reshape(shape)


def _leaves(values: list[Any], wire_type: WireType) -> Array:
    """JSON leaves as a flat array."""
    if wire_type is dtypes.STRING:
        flat = np.empty(len(values), dtype=object)
        flat[:] = [_string(value) for value in values]
        return flat
    if not _fit(values, wire_type):
        raise _Irregular
    if wire_type.name in _INTEGERS:
        widest = np.uint64 if wire_type.name == "uint64" else np.int64
        return np.array(values, dtype=widest).astype(wire_type.numpy)
    try:
        with np.errstate(over="ignore"):  # beyond float32 is infinity, as in TensorFlow Serving
            return np.array(values, dtype=wire_type.numpy)
    except OverflowError:  # a whole number beyond float64
        raise _Irregular from None


def _fit(values: list[Any], wire_type: WireType) -> bool:
    kinds = set(map(type, values))
    if wire_type.name == "bool":
        return kinds <= {bool}
    if (allowed := _INTEGERS.get(wire_type.name)) is None:
        return kinds <= {int, float}
    return kinds <= {int} and (not values or (min(values) in allowed and max(values) in allowed))


def _string(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode(errors="surrogateescape")
    if is_b64(value):
        try:
            return b64_bytes(value)
        except RestError:  # the slow way finds whether something else is wrong before it
            raise _Irregular from None
    raise _Irregular


# --- The slow way, which finds what is wrong --------------------------------------------------------------------------


def _complain_of_rows(instances: Sequence[Any], inputs: Mapping[str, int]) -> NoReturn:
    """Raises what is wrong with rows that are not regular."""
    named = _is_named(instances[0])
    firsts: dict[str, Array] = {}
    for start in range(0, len(instances), _AT_ONCE):
        some = instances[start : start + _AT_ONCE]
        if named == _is_named(some[0]) and _are_like(firsts, some, inputs):
            continue
        for index, item in enumerate(some, start):
            if named != _is_named(item):
                problem = "object but got list" if named else "value/list but got object"
                raise _invalid(f"Expecting {problem} at item {index} of input list")
            _check_row(index, item if named else {next(iter(inputs)): item}, inputs, firsts, named=named)
    raise AssertionError("irregular rows without a fault")


def _are_like(firsts: Mapping[str, Array], some: Sequence[Any], inputs: Mapping[str, int]) -> bool:
    """Whether all of these rows are well-formed and of the first row's shapes."""
    try:
        columns = _bulk_rows(some, inputs)
    except _Irregular:
        return False
    return {name: array.shape[1:] for name, array in columns.items()} == {name: a.shape for name, a in firsts.items()}


def _check_row(
    index: int, row: Mapping[str, Any], inputs: Mapping[str, int], firsts: dict[str, Array], *, named: bool
) -> None:
    """Raises what is wrong with a row. What is first of its name is kept in `firsts`."""
    for name, value in row.items():
        key = f" key: {name}" if named else ""
        try:
            if name not in inputs:
                raise _invalid(f"JSON object: does not have named input: {name}")
            tensor = _tensor(value, inputs[name])
            _check_alike(firsts.setdefault(name, tensor), tensor)
        except RestError as exc:
            raise _invalid(f"Failed to process element: {index}{key} of 'instances' list. Error: {exc}") from exc
    if named and row.keys() != inputs.keys():
        raise _invalid(
            f"Failed to process element: {index} of 'instances' list. JSON object: {show(row)} keys must be "
            f"equal to: {','.join(sorted(inputs))}"
        )


def _check_alike(first: Array, tensor: Array) -> None:
    if first.size != tensor.size:
        raise _invalid(f"Expecting tensor size: {first.size} but got: {tensor.size}")
    if first.shape != tensor.shape:
        raise _invalid(f"Expecting shape {_shape(first)} but got: {_shape(tensor)}")


def _tensor(value: Any, dtype: int) -> Array:
    try:
        return _bulk(value, dtype)
    except _Irregular:
        _complain(value, dtype)
        raise _unreadable(value, str(dtype)) from None  # an empty list, which has nothing to complain about


def _complain(value: Any, dtype: int) -> None:
    """Raises what is wrong with a value of irregular shape or with unfit leaves."""
    shape = _expected_shape(value)
    if len(shape) > _MAX_RANK:
        raise _invalid(f"Encountered list at unexpected level: {_MAX_RANK} expected < {_MAX_RANK}")
    _walk(value, 0, shape, dtype)


def _expected_shape(value: Any) -> list[int]:
    """Follows the first element at each level."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _walk(value: Any, level: int, shape: list[int], dtype: int) -> None:
    rank = len(shape)
    if not isinstance(value, list):
        if level != rank:
            raise _invalid(
                f"JSON Value: {show(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {rank}"
            )
        _walk_leaf(value, dtype)
        return
    if level >= rank:
        raise _invalid(f"Encountered list at unexpected level: {level} expected < {rank}")
    if len(value) != shape[level]:
        raise _invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size: {shape[level]}"
        )
    for start in range(0, len(value), _AT_ONCE):
        some = value[start : start + _AT_ONCE]
        if len(some) > 1 and _is_regular(some, shape[level + 1 :], dtype):
            continue
        for item in some:
            _walk(item, level + 1, shape, dtype)


def _is_regular(values: Sequence[Any], shape: list[int], dtype: int) -> bool:
    """Whether all of these values are well-formed and of this shape."""
    try:
        return _bulk(values, dtype).shape[1:] == tuple(shape)
    except _Irregular:
        return False


def _walk_leaf(value: Any, dtype: int) -> None:
    wire_type = dtypes.BY_ENUM.get(dtype)
    if isinstance(value, dict) and wire_type is dtypes.STRING:
        if not is_b64(value):
            raise _invalid(f"JSON Value: {show(value)} not formatted correctly for base64 data")
        b64_bytes(value)
        return
    name = wire_type.name if wire_type else str(dtype)
    if name not in _READABLE and not isinstance(value, dict):
        raise _unreadable(value, name)
    if wire_type is None or not _fits(value, wire_type):
        raise _invalid(f"JSON Value: {show(value)} Type: {type_name(value)} is not of expected type: {name}")


def _fits(value: Any, wire_type: WireType) -> bool:
    try:
        _leaves([value], wire_type)
    except _Irregular:
        return False
    return True


def _unreadable(value: Any, name: str) -> RestError:
    return RestError(StatusCode.UNIMPLEMENTED, f"Conversion of JSON Value: {show(value)} to type: {name}")


def _is_named(item: Any) -> bool:
    return isinstance(item, dict) and not is_b64(item)


def _shape(array: Array) -> str:
    return "[" + ",".join(map(str, array.shape)) + "]"


def _invalid(message: str) -> RestError:
    return RestError(StatusCode.INVALID_ARGUMENT, message)
