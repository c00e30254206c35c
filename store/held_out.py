"""What a version answered to each held-out row, so that two versions can be compared row by row."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from store.errors import ManifestError


@dataclass(frozen=True)
class HeldOut:
    """What a model predicted on held-out rows: labels, or which of them means the same.

    Attributes:
        rows: sha256 of the rows, in hexadecimal: two versions can be compared if they have the same.
        truth: int32 `[rows]`, positions in the manifest's labels, or among the rows where a model has none.
        predicted: int32 `[rows]`, likewise.
    """

    rows: str
    truth: NDArray[np.int32]
    predicted: NDArray[np.int32]

    def write(self, path: Path) -> None:
        with path.open("wb") as file:  # savez would add a suffix to a name
            np.savez_compressed(file, rows=np.array(self.rows), truth=self.truth, predicted=self.predicted)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `ManifestError` when the file is missing, unreadable or not of this form."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:  # on damage it leaves files open
                found = cls(str(arrays["rows"]), arrays["truth"], arrays["predicted"])
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as exc:
            raise ManifestError(path, str(exc)) from exc
        if found.truth.ndim != 1 or found.truth.shape != found.predicted.shape:
            shapes = f"truth {found.truth.shape}, predicted {found.predicted.shape}"
            raise ManifestError(path, f"expected two lists of the same length, received {shapes}")
        return found

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.truth == self.predicted)
