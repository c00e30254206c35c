"""The use of a version: it stays loaded meanwhile."""

from collections.abc import Callable
from types import TracebackType

from serving.lifecycle.tracked import TrackedVersion
from serving.servable import Servable


class Use:
    """A version held inside a `with` block. A class: a generator would cost more at every request."""

    __slots__ = ("_held", "_hold", "_release")

    def __init__(self, hold: Callable[[], TrackedVersion], release: Callable[[TrackedVersion], None]) -> None:
        self._hold = hold
        self._release = release

    def __enter__(self) -> Servable:
        self._held = self._hold()
        assert self._held.servable is not None, "what is available has been loaded"
        return self._held.servable

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release(self._held)
