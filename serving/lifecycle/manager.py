"""The manager: which versions are loaded, who uses them, and what became of the others."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Thread

from serving.errors import Code, LoadError, RequestError
from serving.lifecycle.loader import Loader, OpenVersion, fingerprint
from serving.lifecycle.model_config import Configs, ModelConfig
from serving.lifecycle.policy import State, Unload, next_action
from serving.lifecycle.residents import estimate, evictions
from serving.lifecycle.rules import Rules
from serving.lifecycle.tracked import Failure, TrackedModel, TrackedVersion, VersionStatus
from serving.lifecycle.use import Use
from serving.memory import versions_bytes
from serving.metrics import Metrics, Sample
from serving.servable import Servable

_log = logging.getLogger(__name__)

_REMOVED_KEPT = 64  # models that are configured no more, and that the status still shows


class Manager:
    """Loads the wanted versions of each model, keeps an old one until a new one serves and its last user has left.

    Thread-safe. Loads and unloads run on threads of their own; of one model one load at a time. A load that never ends
    keeps its model's other versions from loading until another version is wanted, and other models' for a minute.
    """

    def __init__(
        self,
        open_version: OpenVersion,
        rules: Rules,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
        memory_used: Callable[[], int] = versions_bytes,
        patience_s: float = 60,
    ) -> None:
        """`clock` (seconds) and `memory_used` (bytes of this process) decide which versions a lazy server unloads.

        A load that takes longer than `patience_s` gives up its place to load, and goes on.
        """
        self._open = open_version
        self._rules = rules
        self._metrics = metrics
        self._clock = clock
        self._memory_used = memory_used
        self._patience_s = patience_s
        self._models: dict[str, TrackedModel] = {}
        self._loading: set[TrackedVersion] = set()  # those that hold one of the load threads' places
        self._queue: dict[str, TrackedVersion] = {}  # what each model loads next, as places are free
        self._leaving: dict[TrackedVersion, str] = {}  # without users, to be unloaded as soon as there is a thread
        self._unload_places = threading.Semaphore(rules.unload_threads) if rules.unload_threads else nullcontext()
        self._changed = threading.Condition()
        self._closed = False
        metrics.version_state.watch(lambda: self._samples(lambda version: version.state))
        metrics.version_users.watch(lambda: self._samples(lambda version: version.users))

    def configure(self, configs: Configs) -> None:
        """From now on these are the models; others are unloaded. What there is of a new one, `aspire` tells."""
        with self._changed:
            if self._closed:
                return
            self._take(configs)
            gone = [name for name, model in self._models.items() if model.config is None and model.over()]
            removed = [(name, self._models.pop(name)) for name in gone[:-_REMOVED_KEPT]]
            self._forget([(name, version) for name, model in removed for version in model.versions.values()])

    def configs(self) -> Configs:
        with self._changed:
            return {name: model.config for name, model in self._models.items() if model.config is not None}

    def config(self, model: str) -> ModelConfig | None:
        """The configuration of a model, None for one that has none (any more)."""
        tracked = self._models.get(model)
        return None if tracked is None else tracked.config

    def aspire(self, config: ModelConfig, on_disk: Mapping[int, Path]) -> None:
        """Tells what versions there are at a base path now. Of one model called from one thread at a time.

        A version that failed is tried again when its files have changed, or when it went away and came back.
        """
        with self._changed:
            model = self._models.get(config.name)
            failed = {} if model is None else dict(model.failed)
        still = {n: seen for n, seen in failed.items() if n in on_disk and fingerprint(on_disk[n]) == seen}
        with self._changed:
            model = self._models.get(config.name)
            if self._closed or model is None or model.config is None or model.config.base_path != config.base_path:
                return  # looked at for a configuration that is no more
            news = not model.looked or model.on_disk != on_disk or failed != still
            model.looked, model.unlisted, model.on_disk = True, "", dict(on_disk)
            for number in failed.keys() - still.keys():
                model.failed.pop(number, None)
            if news:
                _warn_of_missing(config, model.missing(), on_disk)
                self._advance(config.name)
            else:
                self._start_due()  # what found no thread last time

    def unlisted(self, config: ModelConfig, reason: str) -> None:
        """Tells that a base path could not be listed: what is served of it goes on."""
        with self._changed:
            model = self._models.get(config.name)
            if model is not None and model.config is not None and model.config.base_path == config.base_path:
                model.looked, model.unlisted = True, reason
                self._changed.notify_all()

    def models(self) -> list[str]:
        """Names of the models there are or were, sorted: one whose versions are gone is unloaded, not unknown."""
        with self._changed:
            return sorted(name for name, model in self._models.items() if model.versions)

    def statuses(self, model: str) -> list[VersionStatus]:
        """Every version the manager remembers, highest first; empty for a model it never saw."""
        with self._changed:
            return self._models.get(model, TrackedModel()).statuses()

    def would_answer(self, model: str, version: int) -> bool:
        """The version is available, or a lazy server loads it at a request."""
        with self._changed:
            tracked = self._models.get(model, TrackedModel())
            if tracked.ready(version) is not None:
                return True
            return self._rules.lazy and tracked.dormant(version) is not None

    def use(self, model: str, version: int | None = None, timeout_s: float | None = None) -> Use:
        """The version, or the highest one available, which stays loaded inside the `with` block.

        On a lazy server it is loaded first, if need be, within `timeout_s`.

        Raises:
            RequestError: NOT_FOUND, it is not available; DEADLINE_EXCEEDED, it is still loading.
        """
        return Use(partial(self._hold, model, version, timeout_s), partial(self._release, model))

    def wait_settled(self, models: Collection[str] | None = None, timeout_s: float | None = None) -> bool:
        """Waits until of these models, or all, the base path was looked at and nothing is about to load or unload.

        False: the time was up first.
        """
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or all(model.settled() for model in self._chosen(models)), timeout_s
            )

    def wait_serving(self, timeout_s: float | None = None) -> bool:
        """Waits until every model that is configured has something that answers. False: the time was up first."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or all(m.serves() for m in self._models.values() if m.config is not None),
                timeout_s,
            )

    def unavailable(self, models: Collection[str]) -> list[tuple[str, int | None, Failure]]:
        """Those of `models` of which nothing is available or may yet load at a request, with the version and why."""
        with self._changed:
            chosen = ((name, self._models.get(name, TrackedModel())) for name in sorted(models))
            return [(name, *model.trouble()) for name, model in chosen if not model.serves()]

    def close(self, drain_s: float) -> None:
        """Unloads everything; waits up to `drain_s` for requests in flight, whose versions are left to them then."""
        with self._changed:
            self._closed = True
            self._take({})
            self._changed.wait_for(lambda: all(model.over() for model in self._models.values()), drain_s)

    def _take(self, configs: Configs) -> None:
        """Tells all models before it advances any: no place to load goes to one that is to leave. The lock is held."""
        changed = [
            name
            for name in self._models.keys() | configs.keys()
            if self._models.setdefault(name, TrackedModel()).config != configs.get(name)
        ]
        for name in changed:
            self._models[name].configure(configs.get(name))
        self._advance(*changed)

    def _chosen(self, models: Collection[str] | None) -> Iterable[TrackedModel]:
        return [model for name, model in self._models.items() if models is None or name in models]

    def _hold(self, name: str, number: int | None, timeout_s: float | None) -> TrackedVersion:
        with self._changed:
            model = self._models.get(name)
            held = None if model is None else model.ready(number)
            if self._rules.lazy and model is not None:
                held = self._wake(name, model, number, held, timeout_s)
            if held is None:
                what = f"Latest({name})" if number is None else f"Specific({name}, {number})"
                raise RequestError(Code.NOT_FOUND, f"Servable not found for request: {what}")
            held.users += 1
            held.used_at = self._clock()
            return held

    def _release(self, name: str, held: TrackedVersion) -> None:
        with self._changed:
            held.users -= 1
            if not held.users and held.state is State.UNLOADING:
                self._leaving[held] = name
                self._start_due()

    def _wake(
        self, name: str, model: TrackedModel, number: int | None, held: TrackedVersion | None, timeout_s: float | None
    ) -> TrackedVersion | None:
        """Has a version loaded that waits for its first request, and waits for it unless an older one can answer.

        Whoever waits keeps the version from being evicted before it was used. The lock is held.
        """
        ends_at = None if timeout_s is None else time.monotonic() + timeout_s
        while (coming := model.dormant(number)) is not None:
            if held is not None and held.number > coming.number and model.is_wanted(held):
                break
            coming.asked = True
            self._advance(name)
            if held is not None:
                break
            coming.waiters += 1
            left = None if ends_at is None else ends_at - time.monotonic()
            in_time = self._changed.wait_for(partial(self._arrived, coming), left)
            coming.waiters -= 1
            if not in_time:
                raise RequestError(
                    Code.DEADLINE_EXCEEDED, f"version {coming.number} of model {name} was still loading; ask again"
                )
            held = model.ready(number)
        return held

    def _arrived(self, version: TrackedVersion) -> bool:
        return self._closed or version.state in (State.AVAILABLE, State.END)

    def _advance(self, *names: str) -> None:
        """Does what the policy says of these models until it says nothing more. The lock is held."""
        for name in names:
            self._admit(name, self._models[name])
            self._unload_or_queue(name, self._models[name])
        self._start_due()
        self._changed.notify_all()

    def _unload_or_queue(self, name: str, model: TrackedModel) -> None:
        """Notes what is due. The lock is held."""
        preserving = self._rules.resource_preserving
        while isinstance(action := next_action(model.views(), resource_preserving=preserving), Unload):
            version = model.versions[action.version]
            version.state = State.UNLOADING
            if not version.users:
                self._leaving[version] = name
        if action is None:
            self._queue.pop(name, None)
        else:
            self._queue[name] = model.versions[action.version]
        self._forget([(name, version) for version in model.forget_ended()])

    def _start_due(self) -> None:
        """Unloads and loads what is due, a thread each: it may take a while. The lock is held.

        What finds no place or no thread keeps its turn.
        """
        while self._leaving:
            version, name = next(iter(self._leaving.items()))
            if not _started(Thread(target=self._unload, args=(name, version, State.END), name="unload")):
                return
            del self._leaving[version]
        while self._queue and len(self._loading) < self._rules.load_threads:
            name, version = next(iter(self._queue.items()))
            if not _started(Thread(target=self._load, args=(name, version), name="load", daemon=True)):
                return
            del self._queue[name]
            version.state = State.LOADING
            self._loading.add(version)

    def _admit(self, name: str, model: TrackedModel) -> None:
        """Tracks wanted versions, and abandons loads that nobody wants any more. The lock is held."""
        for view in model.views():
            version = model.versions[view.version]
            if not view.wanted and view.state in (State.START, State.LOADING):
                version.loader.abandon()
                self._loading.discard(version)
                if view.state is State.START:
                    version.state = State.END
        folders = model.wanted()
        for number in model.fresh():
            loader = Loader(
                folders[number],
                partial(self._open, name, number, folders[number]),
                self._metrics,
                retries=self._rules.retries,
                retry_interval_s=self._rules.retry_interval_s,
            )
            before = model.versions.get(number)
            memory = 0 if before is None else before.memory
            model.versions[number] = TrackedVersion(number, loader, asked=not self._rules.lazy, memory=memory)
            if before is not None:
                self._forget([(name, before)])

    def _forget(self, versions: Collection[tuple[str, TrackedVersion]]) -> None:
        """Has nothing more printed of versions that are tracked no more. The lock is held."""
        if not versions:
            return
        tracked = [(name, version) for name, model in self._models.items() for version in model.versions.values()]
        numbers = {(name, version.number) for name, version in tracked}
        paths = {version.loader.path for _, version in tracked}
        for name, version in versions:
            if (name, version.number) not in numbers:
                self._metrics.forget_version(name, str(version.number))
            if version.loader.path not in paths:
                self._metrics.forget_path(str(version.loader.path))

    def _load(self, name: str, version: TrackedVersion) -> None:
        seen = fingerprint(version.loader.path)
        self._make_room(version)
        before = self._memory_used()
        servable, error = None, None
        watch = threading.Timer(self._patience_s, self._give_up_place, [version])
        watch.daemon = True
        watch.start()
        try:
            servable = Servable(name, version.number, version.loader.load())
        except LoadError as exc:
            error = Failure(exc.code, exc.message)
        watch.cancel()
        with self._changed:
            version.servable, version.error = servable, error
            version.state = State.AVAILABLE if error is None else State.END
            version.used_at = self._clock()
            version.memory = max(0, self._memory_used() - before)
            model = self._models[name]
            if error is not None and not version.loader.abandoned:
                model.failed[version.number] = seen
            self._loading.discard(version)
            self._advance(name)

    def _give_up_place(self, version: TrackedVersion) -> None:
        """Its files may hang for ever, as those of a network folder do: nobody else is to wait for them."""
        with self._changed:
            if version in self._loading:
                _log.warning("%s is still loading after %g s", version.loader.path, self._patience_s)
                self._loading.discard(version)
                self._start_due()

    def _unload(self, name: str, version: TrackedVersion, then: State) -> None:
        servable = version.servable
        try:
            with self._unload_places:
                if servable is not None:
                    servable.runtime.close()
            _log.info("unloaded %s", version.loader.path)
        except Exception:  # whatever a runtime's close does, the version is over
            _log.exception("unloading %s failed", version.loader.path)
        with self._changed:
            version.state, version.servable = then, None
            self._advance(name)

    def _make_room(self, version: TrackedVersion) -> None:
        """Unloads what was used least recently, if the budget asks for it; those may load again."""
        if not self._rules.memory_budget:
            return
        needed = version.memory or estimate(version.loader.path)
        with self._changed:
            residents = [resident for name, model in self._models.items() for resident in model.residents(name)]
            leaving = evictions(residents, needed, self._rules.memory_budget)
            for _, other in leaving:
                other.state, other.asked = State.UNLOADING, False
        for name, other in leaving:
            _log.info("unloading %s to make room for %s", other.loader.path, version.loader.path)
            self._unload(name, other, State.START)

    def _samples(self, value: Callable[[TrackedVersion], int]) -> list[Sample]:
        with self._changed:
            return [
                ((name, str(version.number)), value(version))
                for name, model in self._models.items()
                for version in model.versions.values()
            ]


def _started(thread: Thread) -> bool:
    try:
        thread.start()
    except RuntimeError as exc:  # the process may not have one more at present
        _log.error("no thread to %s a version: %s", thread.name, exc)
        return False
    return True


def _warn_of_missing(config: ModelConfig, missing: Collection[int], on_disk: Mapping[int, Path]) -> None:
    if missing:
        _log.warning("versions %s of model %s are not in %s", sorted(missing), config.name, config.base_path)
    if not on_disk:
        _log.warning("no versions of model %s found under base path %s", config.name, config.base_path)
