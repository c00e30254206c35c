"""Request bodies of the HTTP peers: a tensor's bytes as they lie in memory; or what clients send, pictures and texts.

Nothing is smaller or faster to read than the first, so that no peer pays for a format.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from processing.forms import form_of
from processing.image import decode
from processing.spec import ExportedSpec, ImageSpec, TextSpec, parse_spec
from processing.text import TextEncoder

_PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_MAX_PIXELS = 2**24


def picture_type(body: bytes) -> str | None:
    """The media type of a PNG or JPEG; None of anything else."""
    return next((told for begin, told in _PICTURES.items() if body.startswith(begin)), None)


class RowReader:
    """Reads bodies for the model in `folder`, whose input has `dtype` and `shape`, the latter without the batch."""

    def __init__(self, folder: Path, dtype: str, shape: tuple[int, ...]) -> None:
        self._dtype = dtype
        self._shape = shape
        spec = _processing(folder)
        self._encoder, self._form = None, None
        if isinstance(spec, TextSpec):
            self._encoder = TextEncoder((folder / "tokenizer.json").read_text(), spec)
        elif isinstance(spec, ImageSpec):
            self._form = form_of(spec).tensor

    def __call__(self, body: bytes) -> NDArray[Any]:
        """A batch; a picture or a text becomes one row by the preprocessing that the gateway does."""
        if self._encoder is not None:
            return self.of_text(orjson.loads(body)["inputs"])
        if self._form is not None and picture_type(body):
            return self._form(decode(body, max_pixels=_MAX_PIXELS))[np.newaxis]
        return np.frombuffer(body, self._dtype).reshape(-1, *self._shape)

    def of_text(self, text: str) -> NDArray[Any]:
        """A batch of one text."""
        if self._encoder is None:
            raise ValueError("this model reads no texts")
        return self._encoder.encode([text])

    def is_tensor(self, body: bytes) -> bool:
        """A model of texts is asked with texts only."""
        return self._encoder is None and not picture_type(body)

    def joined(self, batches: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """One batch of all; texts are padded to the longest."""
        if self._encoder is None:
            return np.concatenate(batches)
        return self._encoder.pad([row for batch in batches for row in batch])


def _processing(folder: Path) -> ExportedSpec | None:
    """Of a model that is asked with pictures or texts."""
    path = folder / "processing.json"
    return parse_spec(orjson.loads(path.read_bytes())) if path.exists() else None
