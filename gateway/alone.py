"""A version asked on one model server and nowhere else, by nobody but one request."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial

from gateway.deadline import Deadline
from gateway.errors import GatewayError, ModelServerDownError
from gateway.line import Line
from gateway.tasks.base import Ask, Tensors
from store.manifest import RELEASE_SIGNATURE
from wire.tensors import Array

Run = Callable[[str, Tensors], Tensors]  # a signature and its inputs to its outputs


class Alone:
    """A `Keeping` without a second server to move to."""

    def __init__(self, run: Run, deadline: Deadline) -> None:
        self._run = run
        self._deadline = deadline

    def ask(self, signature: str, inputs: Tensors) -> Tensors:
        return self._run(signature, inputs)

    def move(self) -> None:
        raise ModelServerDownError

    def waiting(self) -> AbstractContextManager[Callable[[], object]]:
        return Line().place(self._deadline)

    def release(self, leases: Array) -> None:
        with suppress(GatewayError):
            self._run(RELEASE_SIGNATURE, {"lease": leases})

    def leave(self) -> None:
        pass


def asking(run: Run, signature: str, deadline: Deadline) -> Ask:
    """What a task with that signature asks."""
    return Ask(partial(run, signature), partial(Alone, run, deadline), run)
