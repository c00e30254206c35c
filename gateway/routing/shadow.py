"""A copy of an answered call, for a version that only shows what it would have answered."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel

from gateway.model import Model
from gateway.routing.live import Live
from gateway.tasks.base import AnyTask, Request
from gateway.version import ServedVersion


@dataclass(frozen=True)
class Copy:
    """An answered call for another version to answer. `to` names the version that is looked at, `ask` the one to ask:
    the same for a shadow, the route's own for the answer of a canary.
    """

    live: Live
    model: Model
    to: int | str
    ask: int | str | None
    version: ServedVersion  # the one that answered
    task_of: Callable[[ServedVersion], AnyTask]  # which of a version's tasks is asked
    task: AnyTask
    request: Request
    answer: BaseModel
