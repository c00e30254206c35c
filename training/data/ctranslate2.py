"""Reads CTranslate2's `model.bin`: the weights of a model, by CTranslate2's names."""

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError

_VERSION = 6
_TYPES = {number: np.dtype(kind) for number, kind in enumerate(("<f4", "i1", "<i2", "<i4", "<f2"))}


def read_ctranslate2(file: bytes) -> dict[str, NDArray[np.float32]]:
    """The weights that are numbers with a fraction, by name, as float32, and those of their aliases.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return dict(_weights(_Reader(file)))
    except (struct.error, ValueError, KeyError, UnicodeDecodeError) as exc:
        raise DataError(f"expected a model.bin of CTranslate2, received what cannot be read as one: {exc}") from exc


class _Reader:
    def __init__(self, file: bytes) -> None:
        self._file, self._place = file, 0

    def number(self, form: str) -> int:
        (number,) = struct.unpack_from(f"<{form}", self._file, self._place)
        self._place += struct.calcsize(form)
        return int(number)

    def text(self) -> str:
        """Ends with a zero byte, which its length counts."""
        return self.taken(self.number("H"))[:-1].decode()

    def taken(self, length: int) -> bytes:
        taken = self._file[self._place : self._place + length]
        if len(taken) != length:
            raise ValueError(f"it ends {length - len(taken)} bytes too early")
        self._place += length
        return taken


def _weights(file: _Reader) -> Iterator[tuple[str, NDArray[np.float32]]]:
    version = file.number("I")
    if version > _VERSION:
        raise ValueError(f"its layout has the number {version}, known are those up to {_VERSION}")
    file.text()  # the name of the kind of model
    file.number("I")  # and its revision
    for _ in range(file.number("I")):
        name = file.text()
        shape = [file.number("I") for _ in range(file.number("B"))]
        kind = _TYPES[file.number("B")]
        values = np.frombuffer(file.taken(file.number("I")), kind).reshape(shape)
        if kind.kind == "f":
            yield name, values.astype(np.float32)
