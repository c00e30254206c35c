"""A training that is interrupted in its own process, at what it says."""

import time

from kmaas.progress import PlainProgress


class InterruptedTrainingError(Exception):
    pass


class Interrupting(PlainProgress):
    """Interrupts the training when it has said so, and tells nobody anything."""

    def __init__(self, until: str = "never") -> None:
        self._until = until
        super().__init__(lambda _line: None, time.monotonic)

    def stage(self, name: str, total: int) -> None:
        if name.startswith(self._until):
            raise InterruptedTrainingError

    def at(self, done: int, detail: str = "") -> None:
        if detail.startswith(self._until):
            raise InterruptedTrainingError
