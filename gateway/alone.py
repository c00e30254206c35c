"""A version asked on one model server and nowhere else, by nobody but one request."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from gateway.deadline import Deadline
from gateway.errors import ModelServerDownError
from gateway.line import Line
from gateway.tasks.base import Ask, Tensors
from wire.tensors import Array

Run = Callable[[str, Tensors], Tensors]  # a signature and its inputs to its outputs
Release = Callable[[Array], object]  # gives back what is kept under leases, and raises nothing


class Alone:
    """A `Keeping` without a second server to move to."""

    def __init__(self, run: Run, release: Release, deadline: Deadline) -> None:
        self._run = run
        self._release = release
        self._deadline = deadline

    def ask(self, signature: str, inputs: Tensors) -> Tensors:
        return self._run(signature, inputs)

    def move(self) -> None:
        raise ModelServerDownError

    def waiting(self) -> AbstractContextManager[Callable[[], object]]:
        return Line().place(self._deadline)

    def release(self, leases: Array) -> None:
        self._release(leases)

    def leave(self) -> None:
        pass


def asking(run: Run, release: Release, signature: str, deadline: Deadline) -> Ask:
    """What a task with that signature asks. It waits for a slot until the deadline."""
    return Ask(partial(run, signature), partial(Alone, run, release, deadline), run)
