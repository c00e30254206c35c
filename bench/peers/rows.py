"""Request bodies of the HTTP peers: a tensor's bytes as they lie in memory, or a PNG; answers are float32 bytes.

Nothing is smaller or faster to read, so that no peer pays for a format.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from processing.image import decode, digit_form

_PNG = b"\x89PNG"
_MAX_PIXELS = 2**24


class RowReader:
    """Reads bodies for a model whose input has `dtype` and `shape`, the latter without the batch dimension."""

    def __init__(self, dtype: str, shape: tuple[int, ...]) -> None:
        self._dtype = dtype
        self._shape = shape

    def __call__(self, body: bytes) -> NDArray[Any]:
        """A batch; a PNG becomes one row by the preprocessing that the gateway does."""
        if body.startswith(_PNG):
            return digit_form(decode(body, max_pixels=_MAX_PIXELS))[np.newaxis]
        return np.frombuffer(body, self._dtype).reshape(-1, *self._shape)
