"""A request that a version is to answer, prepared: what is handed from one step of the pipeline to the next."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.routing.turn import Turn
from gateway.tasks.base import AnyTask, Request
from gateway.version import ServedVersion

TaskOf = Callable[[ServedVersion], AnyTask]


@dataclass(frozen=True)
class Work:
    """`task` is what `task_of` finds, with the limits of the turn."""

    turn: Turn
    version: ServedVersion
    task_of: TaskOf
    task: AnyTask
    request: Request
    inputs: Any
