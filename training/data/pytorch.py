"""Weights as PyTorch before 1.6 saved them, without PyTorch: a pickle, of which nothing is run, and numbers."""

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from training.errors import DataError

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_COUNT = 8  # bytes before the numbers of a storage: how many there are


class _Tensor(NamedTuple):
    """What a pickle says of a tensor whose numbers are still to come."""

    dtype: np.dtype[Any]
    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # numbers of the storage


class _NumberType(NamedTuple):
    """In the place of a class of storages, of which none is ever made."""

    dtype: str


def _tensor(
    storage: tuple[np.dtype[Any], str], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any
) -> _Tensor:
    """In the place of `torch._utils._rebuild_tensor_v2`."""
    if len(shape) != len(strides) or min(offset, *shape, *strides, 0) < 0:
        raise pickle.UnpicklingError(f"a tensor with the shape {shape} and the strides {strides} from {offset} on")
    return _Tensor(*storage, offset, shape, strides)


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch", "FloatStorage"): _NumberType("<f4"),
    ("torch", "LongStorage"): _NumberType("<i8"),
}


class _Reader(pickle.Unpickler):
    """Makes dictionaries, numbers, texts and what `_KNOWN` has; nothing else can be named in a file."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}, expected tensors alone") from None

    def persistent_load(self, told: Any) -> tuple[np.dtype[Any], str]:
        match told:
            case ("storage", _NumberType(dtype), str(key), str(), int(), None):
                return np.dtype(dtype), key
        raise pickle.UnpicklingError("it refers to something other than a storage")


def read_state_dict(content: bytes) -> dict[str, NDArray[Any]]:
    """Every tensor by its name, of the bytes of a file that `torch.save(model.state_dict(), …)` wrote.

    Raises:
        DataError: not of this format, cut short, or with something in it that is no tensor.
    """
    file = BytesIO(content)
    try:
        magic, version, system = (_Reader(file).load() for _ in range(3))
        if (magic, version, system.get("little_endian")) != (_MAGIC, _VERSION, True):
            raise DataError("not a file of PyTorch's format before 1.6")
        told: Mapping[str, _Tensor] = _Reader(file).load()
        storages = dict.fromkeys(_Reader(file).load(), b"")
        types = {tensor.storage: tensor.dtype for tensor in told.values()}
        for key in storages:
            count = int.from_bytes(file.read(_COUNT), "little")
            storages[key] = file.read(count * types[key].itemsize)
        return {name: _array(tensor, storages[tensor.storage]) for name, tensor in told.items()}
    except DataError:
        raise
    except Exception as exc:  # a pickle of hostile bytes raises whatever it likes
        raise DataError(f"not a whole file of PyTorch's: {exc}") from exc


def _array(tensor: _Tensor, storage: bytes) -> NDArray[Any]:
    """A view of its storage, checked to lie in it."""
    numbers = np.frombuffer(storage, tensor.dtype)[tensor.offset :]
    last = sum((side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True))
    if last >= len(numbers):
        raise DataError(f"cut short: a tensor reaches beyond the {len(numbers)} numbers that are there for it")
    return as_strided(numbers, tensor.shape, [stride * tensor.dtype.itemsize for stride in tensor.strides])
