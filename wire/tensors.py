"""numpy <-> TensorProto.

`tensor_content` is 80 to 300 times faster than value lists, so that is what we write; stock TensorFlow Serving answers
with value lists, so both are read.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wire import dtypes
from wire.errors import TensorError
from wire.messages import TensorProto

Array = NDArray[Any]

_MAX_BYTES = 2**31 - 1  # protobuf's own limit; also keeps a lying shape from allocating


def to_proto(array: Array) -> Any:
    """A TensorProto with the array's elements, row-major. Strings go as UTF-8.

    Raises:
        TensorError: the dtype has no wire form.
    """
    wire_type = dtypes.of_numpy(array.dtype)
    if wire_type is None:
        raise TensorError(f"dtype {array.dtype} cannot be sent; expected one of the types in wire/dtypes.py")
    proto = TensorProto(dtype=wire_type.enum)
    _set_shape(proto, array.shape)
    if wire_type is dtypes.STRING:
        proto.string_val.extend(_as_bytes(item) for item in array.ravel().tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array, dtype=wire_type.numpy.newbyteorder("<")).tobytes()
    return proto


def to_typed_proto(array: Array) -> Any:
    """Like `to_proto`, in the typed value fields that a stock TensorFlow Serving answers with."""
    proto = to_proto(array)
    wire_type = dtypes.BY_ENUM[proto.dtype]
    if wire_type is not dtypes.STRING:
        flat = array.ravel()
        proto.ClearField("tensor_content")
        getattr(proto, wire_type.field).extend((flat.view(np.uint16) if wire_type is dtypes.HALF else flat).tolist())
    return proto


def from_proto(proto: Any) -> Array:
    """The array a TensorProto stands for; strings come as an object array of `bytes`.

    Fewer values than elements repeat the last one, as in TensorFlow; none at all means zeros (or empty strings).
    Numeric arrays may be read-only views of the message.

    Raises:
        TensorError: unknown dtype, negative or unknown shape, or a content of another size than the shape asks for.
    """
    wire_type = dtypes.BY_ENUM.get(proto.dtype)
    if wire_type is None:
        raise TensorError(f"data type {proto.dtype} is not one that can be read")
    shape = _shape(proto)
    count = _elements(shape, wire_type)
    if wire_type is dtypes.STRING:
        return _strings(proto, shape, count)
    if proto.tensor_content:
        expected = count * wire_type.numpy.itemsize
        if len(proto.tensor_content) != expected:
            raise TensorError(
                f"tensor_content has {len(proto.tensor_content)} bytes; shape {list(shape)} of {wire_type.name} "
                f"needs {expected}"
            )
        flat = np.frombuffer(proto.tensor_content, dtype=wire_type.numpy.newbyteorder("<"))
        return flat.astype(wire_type.numpy, copy=False).reshape(shape)
    return _from_values(getattr(proto, wire_type.field), wire_type, count).reshape(shape)


def _from_values(values: Sequence[Any], wire_type: dtypes.WireType, count: int) -> Array:
    if len(values) > count:
        raise TensorError(f"{len(values)} values for a shape of {count} elements")
    stored = np.dtype(np.uint16) if wire_type is dtypes.HALF else wire_type.numpy
    flat = np.zeros(count, dtype=stored)
    if len(values):
        try:
            flat[: len(values)] = values
        except OverflowError as exc:
            raise TensorError(f"a value does not fit {wire_type.name}: {exc}") from exc
        flat[len(values) :] = flat[len(values) - 1]
    return flat.view(wire_type.numpy)


def _strings(proto: Any, shape: tuple[int, ...], count: int) -> Array:
    values = list(proto.string_val)
    if len(values) > count:
        raise TensorError(f"{len(values)} values for a shape of {count} elements")
    flat = np.empty(count, dtype=object)
    flat[:] = values + [values[-1] if values else b""] * (count - len(values))
    return flat.reshape(shape)


def _shape(proto: Any) -> tuple[int, ...]:
    if proto.tensor_shape.unknown_rank:
        raise TensorError("a tensor value must have a known rank")
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise TensorError(f"shape {list(shape)} has a negative dimension")
    return shape


def _elements(shape: tuple[int, ...], wire_type: dtypes.WireType) -> int:
    count = 1
    for size in shape:
        count *= size
    if count * wire_type.numpy.itemsize > _MAX_BYTES:
        raise TensorError(f"shape {list(shape)} of {wire_type.name} is larger than {_MAX_BYTES} bytes")
    return count


def _set_shape(proto: Any, shape: tuple[int, ...]) -> None:
    proto.tensor_shape.SetInParent()  # a scalar has a shape without dimensions, not no shape
    for size in shape:
        proto.tensor_shape.dim.add(size=size)


def _as_bytes(item: object) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):
        return item.encode()
    raise TensorError(f"a string tensor holds bytes or str, not {type(item).__name__}")
