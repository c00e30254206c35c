"""Texts to vectors by sentence-transformers, asked and answered as OpenAI's `/v1/embeddings` words it."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray


class Sentences:
    """A SentenceTransformer on the CPU, with its own settings: as many threads as PyTorch takes by itself."""

    def __init__(self, folder: Path) -> None:
        """`folder` is one that `bench.embedded` made."""
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(str(folder / "checkpoint"), device="cpu")
        self(["a film"])  # the first of all is slow

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A row for each text; it sorts them by length, and pads what it computes together, 32 at a time."""
        return np.asarray(self._model.encode(list(texts), show_progress_bar=False))


def asked(body: bytes) -> list[str]:
    """The texts of a request."""
    given = orjson.loads(body)["input"]
    return [given] if isinstance(given, str) else given


def answered(vectors: NDArray[np.float32]) -> bytes:
    """In base64, which OpenAI's client asks for by itself. Tokens are not counted."""
    data: list[dict[str, Any]] = [
        {"object": "embedding", "index": index, "embedding": base64.b64encode(row.astype("<f4").tobytes()).decode()}
        for index, row in enumerate(vectors)
    ]
    return orjson.dumps({"object": "list", "data": data, "model": "embeddings"})
