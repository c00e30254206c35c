"""The protocol's tensors to TensorProto and back: memory, JSON, and the typed fields of gRPC.

Numbers in memory form are TensorFlow's `tensor_content` byte by byte, so they are not looked at.
"""

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from gateway import shown
from gateway.errors import BrokenAnswerError, InvalidTensorsError
from gateway.open_inference.datatypes import BF16, BOOL, BY_NAME, BYTES, OF_TENSORFLOW, Datatype
from gateway.tensors import TensorCall
from store.manifest import Manifest
from wire.errors import TensorError
from wire.tensors import Array, from_proto

_MAX_RANK = 32
_MAX_ELEMENTS = 2**31
_LENGTH = struct.Struct("<I")  # stands before each element of BYTES

# What JSON's values are in Python, by the kind of numpy's dtype.
_JSON_TYPES: dict[str, frozenset[type]] = {
    "b": frozenset({bool}),
    "i": frozenset({int}),
    "u": frozenset({int}),
    "f": frozenset({int, float}),
    "O": frozenset({str}),
}


class Input:
    """One input of a request: written into a TensorProto in one of three forms."""

    def __init__(self, name: str, datatype: str, shape: Sequence[int], into: Any) -> None:
        """Raises `InvalidTensorsError` for a data type that is none, and a shape that cannot be."""
        self._name = shown.name(name)
        self._datatype = self._known(datatype)
        self._shape = shape
        self._into = into
        if len(shape) > _MAX_RANK:
            raise self._invalid(f"has {len(shape)} dimensions; at most {_MAX_RANK} can be read")
        if any(size < 0 for size in shape):
            raise self._invalid(f"has the shape {shown.shape(shape)}; a tensor that is sent has no negative dimension")
        if math.prod(size or 1 for size in shape) > _MAX_ELEMENTS:
            raise self._invalid(f"has the shape {shown.shape(shape)}, which is more than can be sent")
        self._count = math.prod(shape)
        into.dtype = self._datatype.enum
        into.tensor_shape.SetInParent()  # a scalar has a shape without dimensions, not no shape
        for size in shape:
            into.tensor_shape.dim.add(size=size)

    def write_memory(self, memory: bytes) -> None:
        """Little-endian elements without gaps; of BYTES each behind its length. Raises `InvalidTensorsError`."""
        if self._datatype is BYTES:
            self._into.string_val.extend(self._elements(memory))
            return
        expected = self._count * self._datatype.numpy.itemsize
        if len(memory) != expected:
            raise self._invalid(
                f"has {len(memory)} bytes; {self._datatype.name} of the shape {shown.shape(self._shape)} needs "
                f"{expected}"
            )
        if self._datatype is BOOL and memory.strip(b"\0\1"):
            raise self._invalid("has a byte that is neither 0 nor 1, which BOOL cannot be")
        self._into.tensor_content = memory

    def write_json(self, data: Any) -> None:
        """JSON's values, flat or nested as the shape is. Raises `InvalidTensorsError`."""
        if not self._datatype.in_json:
            raise self._invalid(f"is {self._datatype.name}, which is taken as binary data only")
        values = self._flattened(data)
        expected = _JSON_TYPES[self._datatype.numpy.kind]
        wrong = set(map(type, values)) - expected
        if wrong:
            names = " or ".join(sorted(kind.__name__ for kind in expected))
            raise self._invalid(f"holds {min(kind.__name__ for kind in wrong)}; {self._datatype.name} takes {names}")
        if self._datatype is BYTES:
            self._into.string_val.extend(value.encode() for value in values)
        else:
            self._write_numbers(values)

    def write_contents(self, contents: Any) -> None:
        """The typed fields of an `InferTensorContents`. Raises `InvalidTensorsError`."""
        field = self._datatype.contents
        if field is None:
            raise self._invalid(f"is {self._datatype.name}, which is taken in raw_input_contents only")
        filled = [descriptor.name for descriptor, _ in contents.ListFields()]
        if filled and filled != [field]:
            raise self._invalid(f"has {', '.join(filled)}; {self._datatype.name} is expected in {field} alone")
        values = getattr(contents, field)
        self._check_count(len(values))
        if self._datatype is BYTES:
            self._into.string_val.extend(values)
        else:
            self._write_numbers(values)

    def _write_numbers(self, values: Sequence[Any]) -> None:
        try:
            array = np.array(values, dtype=self._wide())
            with np.errstate(over="ignore"):
                narrow = array.astype(self._datatype.numpy)
        except OverflowError as exc:
            raise self._out_of_range() from exc
        kept = np.isfinite(narrow) == np.isfinite(array) if narrow.dtype.kind == "f" else narrow == array
        if not np.all(kept):
            raise self._out_of_range()
        self._into.tensor_content = narrow.tobytes()

    def _wide(self) -> np.dtype[Any]:
        """A dtype that takes every number of the kind, and says so of others."""
        kinds: dict[str, Any] = {"i": np.int64, "u": np.uint64, "f": np.float64, "b": np.bool_}
        dtype: np.dtype[Any] = np.dtype(kinds[self._datatype.numpy.kind])
        return dtype

    def _flattened(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise self._invalid("has no list as its data")
        if not any(isinstance(value, list) for value in data):
            self._check_count(len(data))
            return data
        level, sizes = data, list(self._shape)
        for depth, size in enumerate(sizes):
            rows = [level] if depth == 0 else level
            if not all(isinstance(row, list) and len(row) == size for row in rows):
                raise self._invalid(f"has data that is nested otherwise than the shape {shown.shape(self._shape)} says")
            level = [value for row in rows for value in row]
        if any(isinstance(value, list) for value in level):
            raise self._invalid(f"has data that is nested deeper than the shape {shown.shape(self._shape)} says")
        return level

    def _elements(self, memory: bytes) -> list[bytes]:
        if self._count * _LENGTH.size > len(memory):
            raise self._invalid(f"has {len(memory)} bytes, too few for {self._count} elements of BYTES")
        elements, at = [], 0
        for _ in range(self._count):
            if at + _LENGTH.size > len(memory):
                raise self._invalid("ends inside the length of an element")
            (length,) = _LENGTH.unpack_from(memory, at)
            at += _LENGTH.size
            if at + length > len(memory):
                raise self._invalid(f"ends inside an element of {length} bytes")
            elements.append(memory[at : at + length])
            at += length
        if at != len(memory):
            raise self._invalid(f"has {len(memory) - at} bytes behind its {self._count} elements")
        return elements

    def _check_count(self, count: int) -> None:
        if count != self._count:
            raise self._invalid(f"has {count} elements; the shape {shown.shape(self._shape)} needs {self._count}")

    def _known(self, datatype: str) -> Datatype:
        try:
            return BY_NAME[datatype]
        except KeyError as exc:
            raise self._invalid(f"is of datatype {shown.name(datatype)}; expected one of {', '.join(BY_NAME)}") from exc

    def _out_of_range(self) -> InvalidTensorsError:
        return self._invalid(f"holds a number that {self._datatype.name} cannot be")

    def _invalid(self, what: str) -> InvalidTensorsError:
        return InvalidTensorsError(f"input {self._name} {what}")


class Output:
    """One output of an answer, read from a TensorProto in either of two forms."""

    def __init__(self, name: str, proto: Any) -> None:
        """Raises `BrokenAnswerError` for a tensor of a type that the protocol has not."""
        datatype = OF_TENSORFLOW.get(proto.dtype)
        if datatype is None:
            raise BrokenAnswerError(f"output {name!r} is of a type that this protocol has no name for")
        self.name = name
        self.datatype = datatype
        self.shape = [side.size for side in proto.tensor_shape.dim]
        self._proto = proto

    def memory(self) -> bytes:
        """Little-endian elements without gaps; of BYTES each behind its length."""
        if self.datatype is BYTES:
            return b"".join(_LENGTH.pack(len(element)) + element for element in self.elements())
        if not self._proto.tensor_content:
            return self._array().astype(self.datatype.numpy, copy=False).tobytes()
        memory: bytes = self._proto.tensor_content
        if len(memory) != math.prod(self.shape) * self.datatype.numpy.itemsize:
            raise BrokenAnswerError(f"output {self.name!r} has {len(memory)} bytes, which do not fit {self.shape}")
        return memory

    def elements(self) -> list[bytes]:
        """Of BYTES, flat."""
        elements: list[bytes] = self._array().ravel().tolist()
        return elements

    def values(self) -> Any:
        """Flat, for JSON. Raises `InvalidTensorsError` when bytes are no text."""
        if self.datatype is not BYTES:
            numbers = np.frombuffer(self.memory(), dtype=self.datatype.numpy)
            return numbers if self.datatype is not BF16 else (numbers.astype(np.uint32) << 16).view(np.float32)
        try:
            return [element.decode() for element in self.elements()]
        except UnicodeDecodeError as exc:
            raise InvalidTensorsError(
                f"output {self.name!r} has bytes that are no UTF-8; ask for it with the parameter binary_data"
            ) from exc

    def _array(self) -> Array:
        try:
            return from_proto(self._proto)
        except TensorError as exc:
            raise BrokenAnswerError(f"output {self.name!r} cannot be read: {exc}") from exc


def outputs_of(response: Any, call: TensorCall, manifest: Manifest) -> list[Output]:
    """The outputs of a `PredictResponse` in the order in which they were asked for, else in the manifest's.

    Raises:
        BrokenAnswerError: one is missing, or of a type that the protocol has not.
    """
    names = call.outputs or manifest.signatures[call.request.model_spec.signature_name].outputs
    missing = [name for name in names if name not in response.outputs]
    if missing:
        raise BrokenAnswerError(f"the model server did not answer {', '.join(missing)}")
    return [Output(name, response.outputs[name]) for name in dict.fromkeys(names)]
