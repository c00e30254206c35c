"""The twin: a faster form of some signatures of a version, for CPUs, in `assets.extra/runtime/`."""

import math
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from store.errors import ManifestError
from store.golden import MOST_TOLERANCE

INDEX = "runtime.json"

FileName = Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z]+$")]


class Agreement(BaseModel):
    """What was seen of a twin on held-out rows beside the goldens.

    Attributes:
        top_1: share of the rows for which both name the same label first.
        largest: the largest difference of any output, see `gap`.
        accuracy: share of the rows for which the twin names the right label first.
        accuracy_of_model: likewise of the trained model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    top_1: float
    largest: float
    accuracy: float
    accuracy_of_model: float


class Speed(BaseModel):
    """Microseconds of a request, one at a time on one thread of the machine that exported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    us_saved_model: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    us_twin: Annotated[float, Field(gt=0, allow_inf_nan=False)]

    @property
    def ratio(self) -> float:
        """How many times as fast the twin is."""
        return self.us_saved_model / self.us_twin


class Twin(BaseModel):
    """`runtime.json`: what is in the folder, and how near its answers are to the SavedModel's.

    Attributes:
        model: the LiteRT file with `signatures`, whose inputs and outputs have the SavedModel's names.
        documents: for each signature that maps section names to documents, the JSON file of these documents by section.
        sha256: of each file, in hexadecimal.
        tolerance: see `gap`.
        agreement: None where there were no held-out rows, or no labels.
        speed: None where it was not measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    model: FileName
    signatures: Annotated[tuple[str, ...], Field(min_length=1)]
    documents: dict[str, FileName]
    sha256: dict[FileName, str]
    tolerance: Annotated[float, Field(gt=0, le=MOST_TOLERANCE, allow_inf_nan=False)]
    agreement: Agreement | None = None
    speed: Speed | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises `ManifestError` when the document is missing, unreadable or does not fit."""
        path = folder / INDEX
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as exc:
            raise ManifestError(path, exc.strerror or str(exc)) from exc
        except ValidationError as exc:
            raise ManifestError(path, str(exc)) from exc

    def write(self, folder: Path) -> None:
        (folder / INDEX).write_text(self.model_dump_json(indent=2))


def gap(expected: NDArray[Any], received: NDArray[Any]) -> float:
    """The largest difference of two numbers of the arrays, in units of the expected one, or of 1 if that is larger.

    So it is absolute for probabilities and relative for logits, each number by itself. Infinite where shapes or dtypes
    differ, where only one of two numbers is finite or has that sign of infinity, where one is not a number, and where
    anything but floats is not the same.
    """
    if expected.shape != received.shape or expected.dtype != received.dtype:
        return math.inf
    if not np.issubdtype(expected.dtype, np.inexact):
        return 0.0 if np.array_equal(expected, received) else math.inf
    with np.errstate(invalid="ignore"):  # the difference of infinities, which counts where they are not the same
        apart = np.abs(expected - received) / np.maximum(1, np.abs(expected))
    largest = float(np.where(expected == received, 0, apart).max(initial=0))
    return largest if math.isfinite(largest) else math.inf
