"""What the tests of one group share and no other needs: servers, which cost time as long as they live."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


class Company:
    """Of one process, one group at a time."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._made: dict[str, Any] = {}

    def shared(self, name: str, make: Callable[[], AbstractContextManager[_T]]) -> _T:
        """What `make` made the first time; open until the group's last test has ended."""
        if name not in self._made:
            self._made[name] = self._open.enter_context(make())
        return cast("_T", self._made[name])

    def end(self) -> None:
        self._made.clear()
        self._open.close()


COMPANY = Company()
