"""The GGUF format: a model in one file, metadata and tensors, which may be quantised. Read by its authors' library."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import DataError


class Gguf:
    """A file in memory. `metadata` by the names in the file."""

    def __init__(self, content: bytes) -> None:
        """Raises `DataError` for what is not of this format, or cut short."""
        from gguf import GGUFReader

        try:
            with TemporaryDirectory() as folder:  # the library reads files; what it has mapped stays
                path = Path(folder) / "model.gguf"
                path.write_bytes(content)
                self._reader = GGUFReader(path)
            self.metadata: Mapping[str, Any] = {name: of.contents() for name, of in self._reader.fields.items()}
        except Exception as exc:  # a damaged file makes the library fail anywhere
            raise DataError(f"not a whole GGUF file: {exc!r}") from exc

    def tensors(self) -> dict[str, NDArray[np.float32]]:
        """By their names in the file, dequantised, the last dimension the innermost as in PyTorch.

        Raises:
            DataError: one is quantised in a way that the library does not know.
        """
        from gguf.quants import dequantize

        try:
            return {of.name: np.array(dequantize(of.data, of.tensor_type), np.float32) for of in self._reader.tensors}
        except (NotImplementedError, ValueError) as exc:
            raise DataError(f"the GGUF file has tensors that cannot be read: {exc!r}") from exc
