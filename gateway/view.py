"""What is known of a model at one moment, and which of its versions should answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.servers.server import Standing
from gateway.version import ServedVersion
from wire.client import VersionStatus

AVAILABLE = "AVAILABLE"
UNLOADABLE = "it could not be loaded; the model server's log says why"  # its own words may name paths of its machine
_COMING = ("START", "LOADING", AVAILABLE)
_NO_LABELS: Mapping[str, int] = MappingProxyType({})
_NONE_UNFIT: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True)
class ModelView:
    """What is known of a model at one moment.

    `statuses` is None until a model server was asked; `unfit` says of rejected versions why. `labelled` has the
    gateway's label, see `gateway.labels`; `labels` are all that are known. `proved` are versions beside the current one
    that somebody asked for. `placed` are the servers on which these and the current one were checked, `left_out` says
    of servers that have a version and get no requests for it why.
    """

    current: ServedVersion | None = None
    statuses: tuple[VersionStatus, ...] | None = None
    unfit: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    labelled: int | None = None
    labels: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    proved: Mapping[int, ServedVersion] = field(default_factory=lambda: MappingProxyType({}))

    placed: Mapping[int, tuple[Standing, ...]] = field(default_factory=lambda: MappingProxyType({}))
    left_out: Mapping[int, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def holding(self) -> "ModelView":
        """What of it holds: not what was checked only on servers that were away since."""
        for version in (self.current, *self.proved.values()):  # not `all`: each request asks three times
            if version is not None and not self._answers(version.number):
                break
        else:
            return self
        current = self.current if self.current and self._answers(self.current.number) else None
        proved = {number: version for number, version in self.proved.items() if self._answers(number)}
        return replace(self, current=current, proved=MappingProxyType(proved))

    def servers(self, number: int) -> int:
        """On how many servers the version answers."""
        return sum(standing.holds for standing in self.placed.get(number, ()))

    def _answers(self, number: int) -> bool:
        """Whether the version answers anywhere."""
        for standing in self.placed.get(number, ()):  # noqa: SIM110 (each request asks three times)
            if standing.holds:
                return True
        return False

    def version(self, number: int) -> ServedVersion | None:
        """The checked version of that number, if it is known to be one."""
        if self.current and self.current.number == number:
            return self.current
        return self.proved.get(number)

    @property
    def fault(self) -> str | None:
        """Why the version that should be current was rejected, None if it was not."""
        wanted = max(available(self), default=-1) if self.labelled is None else self.labelled
        return f"version {wanted}: {self.unfit[wanted]}" if wanted in self.unfit else None

    def passed_over(self, version: int) -> bool:
        """Another version is promoted: this one gets no traffic, however new it is."""
        return self.labelled not in (None, version)

    @property
    def reason(self) -> str:
        """Why there is no current version."""
        if self.statuses is None:
            return "the model server has not been asked yet"
        states = (f"version {line.version} is {self._told(line)}" for line in self.statuses)
        return self.fault or ", ".join(states) or "the model server has no version of it"

    @property
    def on_its_way(self) -> bool:
        """No version can answer yet, but one is being loaded or checked."""
        lines = self.statuses or ()
        coming = any(
            line.state in _COMING and line.version not in self.unfit and not self.passed_over(line.version)
            for line in lines
        )
        return self.current is None and (coming or self.statuses is None)

    def _told(self, line: VersionStatus) -> str:
        if line.state != AVAILABLE:
            return line.state
        return "not promoted" if self.passed_over(line.version) else "not checked yet"


def available(view: ModelView) -> list[int]:
    """Newest first."""
    return sorted((line.version for line in view.statuses or () if line.state == AVAILABLE), reverse=True)


def told(
    view: ModelView,
    statuses: Sequence[VersionStatus],
    labelled: int | None = None,
    labels: Mapping[str, int] = _NO_LABELS,
    unfit: Mapping[int, str] = _NONE_UNFIT,
) -> ModelView:
    """The view after the model servers told their `statuses`, the version `labelled`, and all `labels`; `unfit` is what
    is known of rejected versions. A proof counts as long as the version is available.
    """
    after = replace(view, statuses=tuple(statuses), labelled=labelled, labels=labels, unfit=unfit)
    there = set(available(after))
    proved = {number: version for number, version in view.proved.items() if number in there}
    return replace(after, proved=MappingProxyType(proved))


def candidates(view: ModelView) -> list[int]:
    """Versions to prefer to the current one, best first: available, newer, not rejected.

    Any version is preferred to a current one that is not available any more. Where one is promoted, there is no other.
    """
    there = available(view)
    current = view.current.number if view.current else None
    if view.labelled is not None:
        preferred = [view.labelled] if view.labelled in there and view.labelled != current else []
    else:
        preferred = there[: there.index(current)] if current in there else there
    return [number for number in preferred if number not in view.unfit]
