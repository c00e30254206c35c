"""numpy <-> TensorProto.

`tensor_content` is 80 to 300 times faster than value lists, so that is what we write; stock TensorFlow Serving answers
with value lists, so both are read.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wire import dtypes
from wire.errors import TensorError
from wire.messages import TensorProto

Array = NDArray[Any]

_MAX_BYTES = 2**31 - 1  # protobuf's own limit; also keeps a lying shape from allocating
_MAX_REPEATED_BYTES = 2**22  # of a tensor with fewer values than elements: a few bytes must not become gigabytes
_MAX_RANK = 64  # numpy's


def to_proto(array: Array) -> Any:
    """A TensorProto of its own, see `write_proto`."""
    proto = TensorProto()
    write_proto(array, proto)
    return proto


def write_proto(array: Array, into: Any) -> None:
    """Fills an empty TensorProto with the array's elements, row-major. Strings go as UTF-8.

    In a message's own field, e.g. `request.inputs["x"]`, this saves the copy that `to_proto` would need.

    Raises:
        TensorError: the dtype has no wire form.
    """
    wire_type = dtypes.of_numpy(array.dtype)
    if wire_type is None:
        raise TensorError(f"dtype {array.dtype} cannot be sent; expected one of the types in wire/dtypes.py")
    into.dtype = wire_type.enum
    _set_shape(into, array.shape)
    if wire_type is dtypes.STRING:
        into.string_val.extend(_as_bytes(item) for item in array.ravel().tolist())
    else:
        into.tensor_content = np.ascontiguousarray(array, dtype=wire_type.numpy.newbyteorder("<")).tobytes()


def from_proto(proto: Any) -> Array:
    """The array a TensorProto stands for; strings come as an object array of `bytes`.

    Fewer values than elements repeat the last one, as in TensorFlow; none at all means zeros (or empty strings).
    Numeric arrays may be read-only views of the message.

    Raises:
        TensorError: unknown dtype, negative, unknown or enormous shape, or a content of another size than the shape
            asks for.
    """
    wire_type = dtypes.BY_ENUM.get(proto.dtype)
    if wire_type is None:
        raise TensorError(f"data type {proto.dtype} is not one that can be read")
    shape = _shape(proto)
    count = _elements(shape, wire_type)
    if proto.tensor_content and wire_type is not dtypes.STRING:
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
    """The values, the last one repeated up to `count`; those too big for a narrow type wrap around."""
    stored = np.dtype(np.uint16) if wire_type is dtypes.HALF else wire_type.numpy
    if len(values) > count:
        raise TensorError(f"{len(values)} values for a shape of {count} elements")
    if len(values) < count and count * stored.itemsize > _MAX_REPEATED_BYTES:
        raise TensorError(f"{len(values)} values for a shape of {count} elements, too many to repeat the last one")
    flat = np.zeros(count, dtype=stored) if wire_type is not dtypes.STRING else np.full(count, b"", dtype=object)
    if len(values):
        flat[: len(values)] = values
        flat[len(values) :] = flat[len(values) - 1]
    return flat.view(wire_type.numpy)


def _shape(proto: Any) -> tuple[int, ...]:
    if proto.tensor_shape.unknown_rank:
        raise TensorError("a tensor value must have a known rank")
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if len(shape) > _MAX_RANK:
        raise TensorError(f"a tensor of {len(shape)} dimensions; at most {_MAX_RANK} can be read")
    if any(size < 0 for size in shape):
        raise TensorError(f"shape {list(shape)} has a negative dimension")
    return shape


def _elements(shape: tuple[int, ...], wire_type: dtypes.WireType) -> int:
    if math.prod(size or 1 for size in shape) * wire_type.numpy.itemsize > _MAX_BYTES:  # numpy overflows for [0, 2**62]
        raise TensorError(f"shape {list(shape)} of {wire_type.name} is larger than {_MAX_BYTES} bytes")
    return math.prod(shape)


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
