"""How long-running work tells how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Told by one thread; whoever listens decides how to show it."""

    def stage(self, name: str, total: int) -> None:
        """A new stage of `total` steps begins, and the one before has ended."""
        ...

    def at(self, done: int, detail: str = "") -> None:
        """`done` steps of the stage are behind us; `detail` is worth a line of its own when it changes."""
        ...
