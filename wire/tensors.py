"""numpy <-> TensorProto.

`tensor_content` is a copy of the array's memory, and what our clients send and ask for. TensorFlow Serving answers with
typed values, of which floats are as fast and whole numbers a hundred times slower. Both are written and both are read.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wire import dtypes
from wire.dtypes import WireType
from wire.errors import TensorError
from wire.messages import TensorProto

Array = NDArray[Any]

_MAX_BYTES = 2**31 - 1  # protobuf's own limit; also keeps a lying shape from allocating
_MAX_REPEATED_BYTES = 2**22  # of a tensor with fewer values than elements: a few bytes must not become gigabytes
_MAX_RANK = 64  # numpy's

# Typed fields whose packed form is the numbers' memory, and the key that stands before it.
_PACKED = {
    name: bytes([TensorProto.DESCRIPTOR.fields_by_name[name].number << 3 | 2])
    for name in ("float_val", "double_val", "scomplex_val", "dcomplex_val", "bool_val")
}


def to_proto(array: Array) -> Any:
    """A TensorProto of its own, see `write_proto`."""
    proto = TensorProto()
    write_proto(array, proto)
    return proto


def write_proto(array: Array, into: Any) -> None:
    """Fills an empty TensorProto with the array's elements, row-major, as `tensor_content`. Strings go as UTF-8.

    In a message's own field, e.g. `request.inputs["x"]`, this saves the copy that `to_proto` would need.

    Raises:
        TensorError: the dtype has no wire form.
    """
    _write(array, into, _write_content)


def write_values(array: Array, into: Any) -> None:
    """As `write_proto`, but in the typed fields, one entry per element (two per complex number).

    Raises:
        TensorError: the dtype has no wire form.
    """
    _write(array, into, _write_typed)


def from_proto(proto: Any) -> Array:
    """The array a TensorProto stands for; strings come as an object array of `bytes`.

    As in TensorFlow fewer values than elements repeat the last one, none at all means zeros (or empty strings), and
    values beyond the last element are not looked at. Numeric arrays may be read-only views of the message.

    Raises:
        TensorError: unknown dtype, negative, unknown or enormous shape, or a content of another size than the shape
            asks for.
    """
    wire_type = dtypes.BY_ENUM.get(proto.dtype)
    if wire_type is None:
        raise TensorError(f"data type {proto.dtype} is not one that can be read")
    shape = _shape(proto)
    count = _elements(shape, wire_type)
    if not proto.tensor_content:
        flat = _from_values(getattr(proto, wire_type.field), wire_type, count)
    elif wire_type is dtypes.STRING:
        flat = _from_string_content(proto.tensor_content, count)
    else:
        flat = _from_content(proto.tensor_content, wire_type, count)
    return flat.reshape(shape)


def _write(array: Array, into: Any, write: Callable[[Array, WireType, Any], None]) -> None:
    wire_type = dtypes.of_numpy(array.dtype)
    if wire_type is None:
        raise TensorError(f"dtype {array.dtype} cannot be sent; expected one of the types in wire/dtypes.py")
    into.dtype = wire_type.enum
    told = into.tensor_shape
    told.SetInParent()  # a scalar has a shape without dimensions, not no shape
    for size in array.shape:
        told.dim.add(size=size)
    if wire_type is dtypes.STRING:
        into.string_val.extend(_as_bytes(item) for item in array.ravel().tolist())
    else:
        write(array, wire_type, into)


def _write_content(array: Array, wire_type: WireType, into: Any) -> None:
    into.tensor_content = np.ascontiguousarray(array, dtype=wire_type.numpy.newbyteorder("<")).tobytes()


def _write_typed(array: Array, wire_type: WireType, into: Any) -> None:
    stored = np.ascontiguousarray(array, dtype=wire_type.numpy).ravel().view(wire_type.stored)
    key = _PACKED.get(wire_type.field)
    if key is None:
        getattr(into, wire_type.field).extend(stored.tolist())
    elif stored.size:
        packed = stored.astype(wire_type.stored.newbyteorder("<"), copy=False).tobytes()
        into.MergeFromString(b"".join((key, _varint(len(packed)), packed)))


def _from_content(content: bytes, wire_type: WireType, count: int) -> Array:
    expected = count * wire_type.numpy.itemsize
    if len(content) != expected:
        raise TensorError(
            f"tensor_content has {len(content)} bytes; {count} elements of {wire_type.name} need {expected}"
        )
    flat = np.frombuffer(content, dtype=wire_type.stored.newbyteorder("<")).astype(wire_type.stored, copy=False)
    if wire_type is dtypes.BOOL and flat.view(np.uint8).max() > 1:
        raise TensorError("tensor_content of bool has a byte that is neither 0 nor 1")
    return flat.view(wire_type.numpy)


def _from_string_content(content: bytes, count: int) -> Array:
    """Strings as TensorFlow packs them: all lengths as varints, then all bytes."""
    lengths, at = [], 0
    for _ in range(count):
        length, at = _read_varint(content, at)
        lengths.append(length)
    if at + sum(lengths) != len(content):
        raise TensorError(f"tensor_content has {len(content)} bytes; its {count} strings need {at + sum(lengths)}")
    flat = np.empty(count, dtype=object)
    for index, length in enumerate(lengths):
        flat[index] = content[at : at + length]
        at += length
    return flat


def _from_values(values: Sequence[Any], wire_type: WireType, count: int) -> Array:
    """The values, the last one repeated up to `count`; those too big for a narrow type wrap around."""
    given = min(count, len(values) // wire_type.stored_per_element)
    if given < count and count * wire_type.numpy.itemsize > _MAX_REPEATED_BYTES:
        raise TensorError(f"{len(values)} values for a shape of {count} elements, too many to repeat the last one")
    if wire_type is dtypes.STRING:
        flat = np.full(count, b"", dtype=object)
        flat[:given] = values[:given]
    else:
        flat = np.zeros(count * wire_type.stored_per_element, dtype=wire_type.stored)
        numbers = given * wire_type.stored_per_element
        flat[:numbers] = np.asarray(values)[:numbers]  # an array wraps where a list of Python's numbers would not fit
        flat = flat.view(wire_type.numpy)
    if given:
        flat[given:] = flat[given - 1]
    return flat


def _shape(proto: Any) -> tuple[int, ...]:
    told = proto.tensor_shape
    if told.unknown_rank:
        raise TensorError("a tensor value must have a known rank")
    shape = tuple([dim.size for dim in told.dim])
    if len(shape) > _MAX_RANK:
        raise TensorError(f"a tensor of {len(shape)} dimensions; at most {_MAX_RANK} can be read")
    if shape and min(shape) < 0:
        raise TensorError(f"shape {list(shape)} has a negative dimension")
    return shape


def _elements(shape: tuple[int, ...], wire_type: WireType) -> int:
    count = math.prod(shape)
    most = count or math.prod(size or 1 for size in shape)  # numpy overflows for [0, 2**62]
    if most * wire_type.numpy.itemsize > _MAX_BYTES:
        raise TensorError(f"shape {list(shape)} of {wire_type.name} is larger than {_MAX_BYTES} bytes")
    return count


def _varint(number: int) -> bytes:
    """Protobuf's form of a number that is not negative."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    """The number at that position, and the position behind it."""
    number = 0
    for shift in range(0, 35, 7):
        if at >= len(content):
            raise TensorError("tensor_content ends inside the length of a string")
        number |= (content[at] & 0x7F) << shift
        at += 1
        if content[at - 1] < 0x80:
            return number, at
    raise TensorError("tensor_content has a string of more than 4 GiB")


def _as_bytes(item: object) -> bytes:
    if isinstance(item, bytes):
        return item
    if isinstance(item, str):
        return item.encode()
    raise TensorError(f"a string tensor holds bytes or str, not {type(item).__name__}")
