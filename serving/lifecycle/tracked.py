"""What the manager knows of one model and its versions. No locks here: the manager's guards all of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from serving.errors import Code
from serving.lifecycle.loader import Loader
from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.policy import Labelled, Latest, Specific, State, VersionView, comes_first, wanted
from serving.lifecycle.residents import Resident
from serving.servable import Servable

_ENDED_KEPT = 16  # ended versions per model that the status still shows
_COMING = frozenset({State.START, State.LOADING, State.UNLOADING})  # the last: only to make room, if it is wanted


@dataclass(frozen=True)
class Failure:
    """Why a version did not load. The `LoadError` itself would keep the half-loaded version in memory."""

    code: Code
    message: str

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


@dataclass(frozen=True)
class VersionStatus:
    """`facts` is how the version runs, empty while it is not available."""

    version: int
    state: State
    error: Failure | None
    facts: Mapping[str, str]


@dataclass(eq=False)
class TrackedVersion:
    """One version from the day it is wanted to its end.

    Attributes:
        asked: it may load; False while a lazy server waits for a first request.
        users: requests that run on it.
        waiters: requests that wait for it to load.
        used_at: of the manager's clock.
        memory: bytes by which the process grew at its last load.
    """

    number: int
    loader: Loader
    asked: bool
    state: State = State.START
    error: Failure | None = None
    servable: Servable | None = None
    users: int = 0
    waiters: int = 0
    used_at: float = 0
    memory: int = 0


@dataclass(eq=False)
class TrackedModel:
    """One model: its configuration (None once removed), what is on disk, and what became of its versions.

    Attributes:
        looked: somebody has tried to list the base path.
        unlisted: why that failed, empty if it did not.
        failed: the versions that did not load, with the fingerprint of their files.
    """

    config: ModelConfig | None = None
    looked: bool = False
    unlisted: str = ""
    on_disk: Mapping[int, Path] = field(default_factory=dict)
    versions: dict[int, TrackedVersion] = field(default_factory=dict)
    failed: dict[int, object] = field(default_factory=dict)

    def configure(self, config: ModelConfig | None) -> None:
        """What is served of another base path goes on until the new one has been listed."""
        if config is None:
            self.on_disk = {}
        if config is None or self.config is None or config.base_path != self.config.base_path:
            self.failed = {}
        self.looked, self.unlisted, self.config = False, "", config

    def wanted(self) -> dict[int, Path]:
        """The versions to serve, and their folders."""
        if self.config is None:
            return {}
        return {number: self.on_disk[number] for number in wanted(self.config.policy, self.on_disk, self.failed)}

    def missing(self) -> frozenset[int]:
        """Versions that the policy names and the disk lacks."""
        if self.config is None or not isinstance(self.config.policy, Specific | Labelled):
            return frozenset()
        return self.config.policy.versions - self.on_disk.keys()

    def fresh(self) -> Iterator[int]:
        """Wanted versions to track from now on: new ones, and ended ones that may load again."""
        for number in self.wanted() - self.failed.keys():
            known = self.versions.get(number)
            if known is None or known.state is State.END:
                yield number

    def is_wanted(self, version: TrackedVersion) -> bool:
        """A number that now stands for another folder is another version: the one we have is not wanted."""
        return self.wanted().get(version.number) == version.loader.path

    def views(self) -> list[VersionView]:
        """What the policy decides by; wanted is as in `is_wanted`."""
        folders = self.wanted()  # once, not for each
        policy = Latest() if self.config is None else self.config.policy
        return [
            VersionView(
                v.number, v.state, folders.get(v.number) == v.loader.path, v.asked, comes_first(policy, v.number)
            )
            for v in self.versions.values()
        ]

    def statuses(self) -> list[VersionStatus]:
        """Every version remembered, highest first."""
        return [
            VersionStatus(
                v.number,
                v.state,
                v.error,
                v.servable.runtime.facts if v.servable and v.state is State.AVAILABLE else {},
            )
            for v in sorted(self.versions.values(), key=lambda v: -v.number)
        ]

    def residents(self, name: str) -> Iterator[Resident[tuple[str, TrackedVersion]]]:
        """The versions that take memory; those on their way out for good are not idle, they go anyway."""
        for view in self.views():
            version = self.versions[view.version]
            if version.servable is not None:
                idle = view.wanted and view.state is State.AVAILABLE and not version.users and not version.waiters
                yield Resident((name, version), version.memory, version.used_at, idle)

    def ready(self, number: int | None) -> TrackedVersion | None:
        """The version if it is available, or the highest one that is."""
        if number is not None:
            version = self.versions.get(number)
            return version if version is not None and version.state is State.AVAILABLE else None
        highest = None
        for version in self.versions.values():  # at every request: a plain loop is the fastest
            if version.state is State.AVAILABLE and (highest is None or version.number > highest.number):
                highest = version
        return highest

    def dormant(self, number: int | None) -> TrackedVersion | None:
        """The version if it is wanted and can be waited for, or the highest one of those."""
        coming = (v for v in self.versions.values() if v.state in _COMING and number in (None, v.number))
        return max(filter(self.is_wanted, coming), key=lambda version: version.number, default=None)

    def settled(self) -> bool:
        """Somebody looked at the base path, and nothing is about to load, loading or unloading.

        A version that waits for a request is not about to.
        """
        return (self.looked or self.config is None) and all(
            version.state in (State.AVAILABLE, State.END) or (version.state is State.START and not version.asked)
            for version in self.versions.values()
        )

    def serves(self) -> bool:
        """A version is available, or loads at the first request."""
        return any(
            version.state is State.AVAILABLE or (version.state is State.START and not version.asked)
            for version in self.versions.values()
        )

    def trouble(self) -> tuple[int | None, Failure]:
        """Why a settled model does not serve: its highest failed version and the error, or what is wrong on disk."""
        failed = max(self.failed.keys() & self.versions.keys(), default=None)
        if failed is not None and (error := self.versions[failed].error) is not None:
            return failed, error
        if self.config is None:
            return None, Failure(Code.CANCELLED, "it was removed meanwhile")
        where = self.config.base_path
        if self.unlisted:
            return None, Failure(Code.NOT_FOUND, f"{where} cannot be listed: {self.unlisted}")
        return None, Failure(Code.NOT_FOUND, f"No versions of it found under base path {where}")

    def over(self) -> bool:
        return all(version.state is State.END for version in self.versions.values())

    def forget_ended(self) -> list[TrackedVersion]:
        """Keeps the newest of those that ended, and returns the others."""
        ended = sorted(version.number for version in self.versions.values() if version.state is State.END)
        return [self.versions.pop(number) for number in ended[:-_ENDED_KEPT]]
