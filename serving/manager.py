"""The manager: which versions are loaded, who uses them, and what became of the others."""

import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from serving.errors import Code, LoadError, RequestError
from serving.loader import Loader, OpenRuntime, fingerprint
from serving.policy import Load, State, Unload, VersionView, latest, next_action
from serving.runtimes.runtime import Runtime

_log = logging.getLogger(__name__)

_LOAD_THREADS = 4  # models load side by side; TensorFlow's own work inside a load is parallel anyway
_ENDED_KEPT = 16  # ended versions per model that the status still shows


@dataclass(frozen=True)
class Servable:
    """A loaded version in someone's use."""

    model: str
    version: int
    runtime: Runtime


@dataclass(frozen=True)
class Failure:
    """Why a version did not load. The `LoadError` itself would keep the half-loaded version in memory."""

    code: Code
    message: str


@dataclass(frozen=True)
class VersionStatus:
    version: int
    state: State
    error: Failure | None


@dataclass
class _Version:
    """Guarded by the manager's lock, like `_Model`."""

    number: int
    loader: Loader
    state: State = State.START
    error: Failure | None = None
    runtime: Runtime | None = None
    users: int = 0


@dataclass
class _Model:
    on_disk: Mapping[int, Path] = field(default_factory=dict)
    versions: dict[int, _Version] = field(default_factory=dict)
    failed: dict[int, object] = field(default_factory=dict)  # version -> fingerprint of the files that did not load

    def wanted(self) -> int | None:
        return latest(self.on_disk, self.failed)

    def views(self) -> list[VersionView]:
        wanted = self.wanted()
        return [VersionView(v.number, v.state, v.number == wanted) for v in self.versions.values()]

    def forget_old(self) -> None:
        ended = sorted(v.number for v in self.versions.values() if v.state is State.END)
        for number in ended[:-_ENDED_KEPT]:
            del self.versions[number]


class Manager:
    """Loads the newest version of each model, keeps the old one until the new one serves and its last user has left.

    Thread-safe. Loads and unloads run on the manager's own threads; of one model one load at a time.
    """

    def __init__(self, open_runtime: OpenRuntime, *, retries: int, retry_interval_s: float) -> None:
        self._open = open_runtime
        self._retries = retries
        self._retry_interval_s = retry_interval_s
        self._models: dict[str, _Model] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._workers = ThreadPoolExecutor(_LOAD_THREADS, thread_name_prefix="load")

    def aspire(self, model: str, on_disk: Mapping[int, Path]) -> None:
        """Tells what versions of `model` there are now. Called from one thread at a time.

        A version that failed is tried again when its files have changed, or when it went away and came back.
        """
        with self._changed:
            failed = dict(self._models[model].failed) if model in self._models else {}
        still = {n: seen for n, seen in failed.items() if n in on_disk and fingerprint(on_disk[n]) == seen}
        with self._changed:
            if self._closed:
                return
            entry = self._models.setdefault(model, _Model())
            entry.on_disk = dict(on_disk)
            for number in failed.keys() - still.keys():
                entry.failed.pop(number, None)
            self._advance(entry)

    def models(self) -> list[str]:
        """Names of the models there are or were, sorted: one whose versions are gone is unloaded, not unknown."""
        with self._changed:
            return sorted(name for name, entry in self._models.items() if entry.versions)

    def statuses(self, model: str) -> list[VersionStatus]:
        """Every version the manager remembers, highest first; empty for a model it never saw."""
        with self._changed:
            entry = self._models.get(model, _Model())
            return [
                VersionStatus(v.number, v.state, v.error)
                for v in sorted(entry.versions.values(), key=lambda v: -v.number)
            ]

    @contextmanager
    def use(self, model: str, version: int | None = None) -> Iterator[Servable]:
        """The version, or the highest one available, which stays loaded inside the `with` block.

        Raises:
            RequestError: NOT_FOUND, it is not available.
        """
        held, servable = self._hold(model, version)
        try:
            yield servable
        finally:
            with self._changed:
                held.users -= 1
                if not held.users and held.state is State.UNLOADING:
                    self._end(held)

    def wait_settled(self, timeout_s: float | None = None) -> bool:
        """Waits until nothing is about to load, loading or unloading. False: the time was up first."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or all(_settled(entry) for entry in self._models.values()), timeout_s
            )

    def close(self, drain_s: float) -> None:
        """Unloads everything; waits up to `drain_s` for requests in flight, whose versions are left to them then."""
        with self._changed:
            self._closed = True
            for entry in self._models.values():
                entry.on_disk = {}
                self._advance(entry)
            self._changed.wait_for(lambda: all(_ended(entry) for entry in self._models.values()), drain_s)
        self._workers.shutdown()

    def _hold(self, model: str, number: int | None) -> tuple[_Version, Servable]:
        with self._changed:
            entry = self._models.get(model, _Model())
            ready = {v.number: v for v in entry.versions.values() if v.state is State.AVAILABLE}
            held = ready.get(max(ready, default=-1) if number is None else number)
            if held is None or held.runtime is None:
                what = f"Latest({model})" if number is None else f"Specific({model}, {number})"
                raise RequestError(Code.NOT_FOUND, f"Servable not found for request: {what}")
            held.users += 1
            return held, Servable(model, held.number, held.runtime)

    def _advance(self, entry: _Model) -> None:
        """Does what the policy says until it says nothing more. The lock is held."""
        self._admit(entry)
        while (action := next_action(entry.views())) is not None:
            version = entry.versions[action.version]
            match action:
                case Load():
                    version.state = State.LOADING
                    self._workers.submit(self._load, entry, version)
                case Unload():
                    version.state = State.UNLOADING
                    if not version.users:
                        self._end(version)
        entry.forget_old()
        self._changed.notify_all()

    def _admit(self, entry: _Model) -> None:
        """Makes the wanted version known, and abandons loads that nobody wants any more. The lock is held."""
        wanted = entry.wanted()
        for version in entry.versions.values():
            if version.number != wanted and version.state in (State.START, State.LOADING):
                version.loader.abandon()
                if version.state is State.START:
                    version.state = State.END
        known = entry.versions.get(wanted) if wanted is not None else None
        if wanted is not None and (known is None or known.state is State.END):
            loader = Loader(
                entry.on_disk[wanted], self._open, retries=self._retries, retry_interval_s=self._retry_interval_s
            )
            entry.versions[wanted] = _Version(wanted, loader)

    def _load(self, entry: _Model, version: _Version) -> None:
        seen = fingerprint(version.loader.path)
        try:
            runtime = version.loader.load()
        except LoadError as exc:
            with self._changed:
                version.state, version.error = State.END, Failure(exc.code, exc.message)
                if not version.loader.abandoned:
                    entry.failed[version.number] = seen
                self._advance(entry)
        else:
            with self._changed:
                version.state, version.runtime = State.AVAILABLE, runtime
                self._advance(entry)

    def _end(self, version: _Version) -> None:
        """Closes a version without users, on a thread of its own: it may take a while. The lock is held."""
        threading.Thread(target=self._unload, args=(version,), name="unload").start()

    def _unload(self, version: _Version) -> None:
        try:
            if version.runtime is not None:
                version.runtime.close()
            _log.info("unloaded %s", version.loader.path)
        finally:  # whatever a runtime's close does, the version is over
            with self._changed:
                version.state, version.runtime = State.END, None
                self._changed.notify_all()


def _ended(entry: _Model) -> bool:
    return all(version.state is State.END for version in entry.versions.values())


def _settled(entry: _Model) -> bool:
    return all(version.state in (State.AVAILABLE, State.END) for version in entry.versions.values())
