"""The memory that versions take: measured, estimated, and which of them leave to make room for another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

_FILES_TO_MEMORY = 1.5  # a version that never loaded: its files, and as much again for half of them

K = TypeVar("K")


@dataclass(frozen=True)
class Resident(Generic[K]):
    """A loaded version: its memory in bytes, when it was last used, and whether it may go."""

    version: K
    size: int
    used_at: float
    idle: bool


def evictions(residents: Sequence[Resident[K]], needed: int, budget: int) -> list[K]:
    """The versions to unload, least recently used first, so that `needed` bytes more stay within `budget`.

    If nothing suffices, all that are idle: a version bigger than the budget still loads, alone.
    """
    excess = sum(resident.size for resident in residents) + needed - budget
    leaving = []
    for resident in sorted(residents, key=lambda resident: resident.used_at):
        if excess <= 0:
            break
        if resident.idle:
            leaving.append(resident.version)
            excess -= resident.size
    return leaving


def estimate(folder: Path) -> int:
    """Bytes that a version which never loaded is expected to take."""
    try:
        return int(_FILES_TO_MEMORY * sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    except OSError:  # its load will say so
        return 0
