"""The version policy: which version of a model is wanted, and what to do next. Pure functions, no threads."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """A version's life, numbered as in TensorFlow Serving's `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionView:
    """What the policy sees of one version."""

    version: int
    state: State
    wanted: bool


@dataclass(frozen=True)
class Load:
    version: int


@dataclass(frozen=True)
class Unload:
    version: int


def latest(on_disk: Collection[int], failed: Collection[int]) -> int | None:
    """The newest version that can be served.

    TensorFlow Serving insists on the newest, and after a restart serves nothing while that one is broken; we go on to
    the next lower one until the newest is repaired.
    """
    return max(set(on_disk) - set(failed), default=None)


def next_action(views: Sequence[VersionView]) -> Load | Unload | None:
    """Load before unload, so that a name that was ready stays ready; one load at a time.

    A version nobody wants goes as soon as a wanted one is ready, or none is wanted, or another unwanted one stays.
    """
    wanted = any(view.wanted for view in views)
    ready = any(view.wanted and view.state is State.AVAILABLE for view in views)
    retired = sorted(view.version for view in views if not view.wanted and view.state is State.AVAILABLE)
    if retired and (ready or not wanted or len(retired) > 1):
        return Unload(retired[0])
    if any(view.state is State.LOADING for view in views):
        return None
    fresh = [view.version for view in views if view.wanted and view.state is State.START]
    return Load(max(fresh)) if fresh else None
