"""A call on its way through a queue: a `Call` of one `Task`, or of several when it is large and split."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from serving.errors import Code, RequestError
from wire.tensors import Array

if TYPE_CHECKING:
    from serving.batching.queue import Batch

# A task's own rows of every output of its signature, or why there are none.
Outcome = list[Array] | Exception


@dataclass(slots=True, eq=False)
class Call:
    """One caller's tensors, and its thread, which sleeps here until something may have changed for it.

    Times are the scheduler's clock's. The queue makes the tasks.
    """

    inputs: Mapping[str, Array]
    rows: int
    arrived_s: float
    deadline_s: float | None
    tasks: "list[Task]" = field(default_factory=list)
    leads: bool = False
    """Whether its thread runs a batch, or has been chosen to. Guarded by the scheduler's lock."""
    _inbox: SimpleQueue[None] = field(default_factory=SimpleQueue)

    @property
    def answered(self) -> bool:
        return not any(task.outcome is None for task in self.tasks)

    def result(self) -> list[Array]:
        """The rows of every output, those of several tasks put together; or raises the first error there is."""
        outcomes = [task.outcome for task in self.tasks]
        self.tasks.clear()
        parts: list[list[Array]] = []
        try:
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome
                assert outcome is not None, "a call that is answered has all outcomes"
                parts.append(outcome)
        finally:
            del outcomes, outcome  # an error that its own traceback holds would keep the tensors until collected
        return parts[0] if len(parts) == 1 else [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]

    def expired(self, now_s: float) -> bool:
        return self.deadline_s is not None and now_s >= self.deadline_s

    def sleep(self, timeout_s: float | None) -> None:
        """Until `wake`, or until the time is up; a `wake` that came before counts."""
        try:
            self._inbox.get(timeout=timeout_s)
        except Empty:
            return

    def wake(self) -> None:
        self._inbox.put(None)


@dataclass(slots=True, eq=False)
class Task:
    """Rows that run in one batch. `batch` is guarded by the scheduler's lock; `outcome` is set once, by who runs it."""

    call: Call
    inputs: Mapping[str, Array]
    rows: int
    batch: "Batch | None" = None
    """The batch it waits in; None before, and from the moment it is taken."""
    outcome: Outcome | None = None

    def settle(self, outcome: Outcome) -> None:
        """Answers the caller, if it is still there."""
        assert self.outcome is None, "a task is answered once"
        self.outcome = outcome
        self.call.wake()


def late() -> RequestError:
    """What a call gets whose time was up before it was answered. TensorFlow Serving's code is RESOURCE_EXHAUSTED."""
    return RequestError(Code.DEADLINE_EXCEEDED, "Run() timeout exceeded while waiting in batching queue")
