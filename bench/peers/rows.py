"""Request bodies of the HTTP peers: a tensor's bytes as they lie in memory; or what clients send, a PNG or a JSON text.

Nothing is smaller or faster to read than the first, so that no peer pays for a format.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from processing.digit_form import digit_form
from processing.image import decode
from processing.spec import TextSpec
from processing.text import TextEncoder

_PNG = b"\x89PNG"
_MAX_PIXELS = 2**24


class RowReader:
    """Reads bodies for the model in `folder`, whose input has `dtype` and `shape`, the latter without the batch."""

    def __init__(self, folder: Path, dtype: str, shape: tuple[int, ...]) -> None:
        self._dtype = dtype
        self._shape = shape
        self._encoder = _encoder(folder)

    def __call__(self, body: bytes) -> NDArray[Any]:
        """A batch; a PNG or a text becomes one row by the preprocessing that the gateway does."""
        if self._encoder is not None:
            return self._encoder.encode([orjson.loads(body)["inputs"]])
        if body.startswith(_PNG):
            return digit_form(decode(body, max_pixels=_MAX_PIXELS))[np.newaxis]
        return np.frombuffer(body, self._dtype).reshape(-1, *self._shape)

    def is_tensor(self, body: bytes) -> bool:
        """A model of texts is asked with texts only."""
        return self._encoder is None and not body.startswith(_PNG)

    def joined(self, batches: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """One batch of all; texts are padded to the longest."""
        if self._encoder is None:
            return np.concatenate(batches)
        return self._encoder.pad([row for batch in batches for row in batch])


def _encoder(folder: Path) -> TextEncoder | None:
    """Of a model of texts: with the version's own tokenizer."""
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.exists():
        return None
    spec = TextSpec.model_validate_json((folder / "processing.json").read_bytes())
    return TextEncoder(tokenizer.read_text(), spec)
