"""The version policy: which versions of a model are wanted, and what to do next. Pure functions, no threads."""

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
class Latest:
    """The newest versions."""

    count: int = 1


@dataclass(frozen=True)
class Every:
    """All versions (`all {}`)."""


@dataclass(frozen=True)
class Specific:
    """These versions, as far as they are there."""

    versions: frozenset[int]


@dataclass(frozen=True)
class Labelled:
    """These versions, as far as they are there, and the newest: of a store's model with labels."""

    versions: frozenset[int]


Policy = Latest | Every | Specific | Labelled


@dataclass(frozen=True)
class VersionView:
    """What the policy sees of one version.

    `asked`: it may load; a lazy server waits for a request. `first`: it loads before others.
    """

    version: int
    state: State
    wanted: bool
    asked: bool = True
    first: bool = False


@dataclass(frozen=True)
class Load:
    version: int


@dataclass(frozen=True)
class Unload:
    version: int


def wanted(policy: Policy, on_disk: Collection[int], failed: Collection[int]) -> frozenset[int]:
    """The versions to serve; those among them that failed keep the old ones in place, but are not loaded.

    Of a broken newest version TensorFlow Serving serves nothing after a restart; we go on to the next lower one until
    the newest is repaired.
    """
    match policy:
        case Latest(count):
            newest = sorted(set(on_disk) - set(failed) or set(on_disk), reverse=True)
            return frozenset(newest[:count])
        case Every():
            return frozenset(on_disk)
        case Specific(versions):
            return versions & set(on_disk)
        case Labelled(versions):
            return versions & set(on_disk) | wanted(Latest(), on_disk, failed)


def comes_first(policy: Policy, version: int) -> bool:
    """Traffic waits for it: a new version that hangs or takes long in loading must not keep it from being served."""
    return isinstance(policy, Labelled) and version in policy.versions


def next_action(views: Sequence[VersionView], *, resource_preserving: bool = False) -> Load | Unload | None:
    """What to do about a model's versions now; one load at a time.

    Load before unload, so that a name that was ready stays ready: a version nobody wants goes as soon as a wanted one
    is ready, or none is wanted, or another unwanted one stays. `resource_preserving` is the other way round: nothing
    loads before all that nobody wants has gone.
    """
    any_wanted = any(view.wanted for view in views)
    ready = any(view.wanted and view.state is State.AVAILABLE for view in views)
    retired = sorted(view.version for view in views if not view.wanted and view.state is State.AVAILABLE)
    fresh = [(view.first, view.version) for view in views if view.wanted and view.asked and view.state is State.START]
    in_the_way = resource_preserving and bool(fresh)
    if retired and (ready or not any_wanted or len(retired) > 1 or in_the_way):
        return Unload(retired[0])
    if any(view.wanted and view.state is State.LOADING for view in views):
        return None
    if resource_preserving and any(
        not view.wanted and view.state in (State.LOADING, State.UNLOADING) for view in views
    ):
        return None
    return Load(max(fresh)[1]) if fresh else None
