"""What is read of a version only when somebody asks for it."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.version import ServedVersion

_T = TypeVar("_T")


class Kept(Generic[_T]):
    """Read once of each version, and kept as long as that is. Safe to share between threads."""

    def __init__(self, backend: Backend, read: Callable[[ServedVersion, Deadline], _T]) -> None:
        self._backend = backend
        self._read = read
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[ServedVersion, _T] = WeakKeyDictionary()

    def of(self, version: ServedVersion, deadline: Deadline) -> _T:
        """Raises what reading does."""
        with self._lock:
            kept = self._kept.get(version)
        if kept is not None:
            return kept
        era = self._backend.era
        fresh = self._read(version, deadline)
        if self._backend.era is era:  # else another server may have answered
            with self._lock:
                self._kept[version] = fresh
        return fresh
