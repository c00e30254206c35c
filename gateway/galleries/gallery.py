"""A gallery: its name, what it keeps, and whose vectors are in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

Kind = Literal["pictures", "people"]
Vector = NDArray[np.float32]
Clock = Callable[[], float]
"""Seconds since 1970."""


@dataclass(frozen=True)
class Gallery:
    """`number` is its own in the database. All its vectors are of one version, which has the `digest`: those of another
    could not be compared with them. `created_s` are seconds since 1970. `threshold` is of people: a face at that
    distance or farther away is somebody else's."""

    number: int
    name: str
    kind: Kind
    model: str
    version: int
    digest: str
    created_s: float
    threshold: float | None = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """Of a row of the database."""
        return cls(row.id, row.name, row.kind, row.model, row.version, row.digest, row.created_s, row.threshold)
