"""The core: the models that are configured now, how that changes, and who may use which version."""

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from serving.errors import Code, RequestError, StartError
from serving.lifecycle.manager import Manager
from serving.lifecycle.model_config import Configs, ModelConfig
from serving.lifecycle.source import Source
from serving.lifecycle.store_models import StoreModels
from serving.lifecycle.tracked import Failure, VersionStatus
from serving.lifecycle.use import Use

_log = logging.getLogger(__name__)


class Core:
    """One server's models. Thread-safe.

    The models are those of a store's folders, or those of a configuration. A model that is added to a store's by name
    stands before the folder of that name; a whole new configuration takes the store's place.
    """

    def __init__(self, manager: Manager, *, poll_interval_s: float, any_labels: bool = False) -> None:
        """`any_labels`: a new label may point to a version that is not available.

        With `poll_interval_s` 0 base paths are looked at once and at each change, if negative never.
        """
        self._manager = manager
        self._any_labels = any_labels
        self._store: StoreModels | None = None
        self._named: Configs = {}
        self._changing = threading.Lock()
        self._source = Source(self._current, poll_interval_s, manager.aspire, manager.unlisted, glance=self._glance)

    @property
    def polled(self) -> threading.Event:
        """Set once all base paths were looked at."""
        return self._source.polled

    def start(self, models: Path | Configs) -> None:
        """Begins to serve a store's models, or those configured: they are loaded beside.

        The first labels may point anywhere, since nothing is available yet.
        """
        if isinstance(models, Path):
            self._store = StoreModels(models)
        else:
            self._named = models
            self._manager.configure(models)
        self._source.start()

    def stop(self) -> None:
        """Looks for versions no more; what is loaded stays. Also fine before `start`."""
        self._source.stop()

    def use(
        self, name: str, *, version: int | None = None, label: str | None = None, timeout_s: float | None = None
    ) -> Use:
        """A version, the one with a label, or the highest available; it stays loaded inside the `with` block.

        Raises:
            RequestError: there is no such label, the version is not available, or does not load within `timeout_s`;
                UNAVAILABLE, that is not known yet.
        """
        self._check_read(name)
        if label is not None:
            version = self._labelled(name, label)
        return self._manager.use(name, version, timeout_s)

    def statuses(self, model: str) -> list[VersionStatus]:
        """Every version remembered, highest first; empty for a model that never was.

        Raises:
            RequestError: UNAVAILABLE, they are not known yet.
        """
        self._check_read(model)
        return self._manager.statuses(model)

    def models(self) -> list[str]:
        """Names of the models configured or remembered, sorted.

        Raises:
            RequestError: UNAVAILABLE, they are not known yet.
        """
        if not self.polled.is_set():
            raise _unread()
        return sorted({*self._manager.models(), *self._named})

    def is_configured(self, model: str) -> bool:
        return self._manager.config(model) is not None

    def configs(self) -> Configs:
        return self._manager.configs()

    def reload(self, models: Configs) -> set[str]:
        """Serves `models` and no others, the store's neither. Returns those that are new in name.

        Raises:
            RequestError: FAILED_PRECONDITION for a label; nothing has changed then.
        """
        with self._changing:
            before = self._manager.configs()
            for model in models.values():
                self._check_labels(model, before.get(model.name))
            self._store, self._named = None, models
            self._manager.configure(models)
        _log.info("a new configuration: %s", ", ".join(models) or "no models")
        self._source.poke()
        return models.keys() - before.keys()

    def add(self, model: ModelConfig) -> None:
        """Serves one model more, or one otherwise, and leaves the others alone.

        Raises:
            RequestError: FAILED_PRECONDITION for a label; nothing has changed then.
        """
        with self._changing:
            before = self._manager.configs()
            self._check_labels(model, before.get(model.name))
            self._named = {**self._named, model.name: model}
            self._manager.configure({**before, model.name: model})
        _log.info("model %s is configured, at %s", model.name, model.base_path)
        self._source.poke()

    def remove(self, name: str) -> None:
        """Serves one model less; requests in flight end first.

        Raises:
            RequestError: NOT_FOUND, or FAILED_PRECONDITION for a model that the store has.
        """
        with self._changing:
            before = self._manager.configs()
            if name not in before:
                raise RequestError(Code.NOT_FOUND, f"Could not find model {name} in the configuration")
            if name not in self._named:
                raise RequestError(
                    Code.FAILED_PRECONDITION,
                    f"model {name} is served because {before[name].base_path} is in the store; move that folder away, "
                    "or send a whole configuration",
                )
            self._named = {other: config for other, config in self._named.items() if other != name}
            self._manager.configure({other: config for other, config in before.items() if other != name})
        self._source.poke()

    def wait_available(self, models: Collection[str], timeout_s: float | None) -> None:
        """Returns when each of `models` is available.

        Raises:
            RequestError: UNKNOWN, what keeps some of them from it; DEADLINE_EXCEEDED, they are still loading.
        """
        if not self._manager.wait_settled(models, timeout_s):
            raise RequestError(
                Code.DEADLINE_EXCEEDED, "The models were still loading; GetModelStatus tells when they are available"
            )
        if troubled := self._manager.unavailable(models):
            raise RequestError(Code.UNKNOWN, _told(troubled, "model(s)"))

    def wait_started(self) -> None:
        """Returns when each configured model is available, or waits for versions to appear.

        Raises:
            StartError: what did not load.
        """
        self.polled.wait()
        self._manager.wait_settled()
        troubled = self._manager.unavailable(self._manager.configs())
        if failed := [trouble for trouble in troubled if trouble[1] is not None]:
            raise StartError(f"{Code.UNKNOWN.name}: {_told(failed, 'servable(s)')}")

    def _check_read(self, model: str) -> None:
        """Who asks a server that has just started for a model hears that it may come, not that there is none."""
        if not self.polled.is_set() and not self._manager.statuses(model):
            raise _unread()

    def _current(self) -> Collection[ModelConfig]:
        """What to look at: asked for by the source at each poll."""
        store = self._store
        if store is None:
            return self._manager.configs().values()
        before = self._manager.configs()
        try:
            found = store.configs(before)
        except FileNotFoundError as exc:
            if before:
                raise  # it went away: what is served goes on
            if not self.polled.is_set():
                _log.warning("%s does not exist yet; models are served as they appear there", exc.filename)
            found = {}
        with self._changing:
            if self._store is store:
                served = {name: self._held_labels(config, before.get(name)) for name, config in found.items()}
                self._manager.configure({**served, **self._named})
        return self._manager.configs().values()

    def _glance(self) -> object:
        store = self._store
        return None if store is None else store.glance()

    def _held_labels(self, model: ModelConfig, before: ModelConfig | None) -> ModelConfig:
        """A label of a store moves once the version that it points to can answer: no request by it fails meanwhile."""
        held = {
            label: before.labels[label]
            for label, version in model.labels.items()
            if before is not None
            and before.labels.get(label, version) != version
            and not self._manager.would_answer(model.name, version)
            and self._manager.would_answer(model.name, before.labels[label])
        }
        return replace(model, labels={**model.labels, **held}) if held else model

    def _labelled(self, name: str, label: str) -> int:
        config = self._manager.config(name)
        if config is None or label not in config.labels:
            raise RequestError(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
        return config.labels[label]

    def _check_labels(self, model: ModelConfig, before: ModelConfig | None) -> None:
        known: Mapping[str, int] = before.labels if before else {}
        for label, version in sorted(model.labels.items()):
            moved = known.get(label, version) != version
            if (moved or not self._any_labels) and not self._manager.would_answer(model.name, version):
                raise RequestError(
                    Code.FAILED_PRECONDITION,
                    f"Request to assign label to version {version} of model {model.name}, which is not currently "
                    "available for inference",
                )


def _unread() -> RequestError:
    return RequestError(Code.UNAVAILABLE, "The store has not been read yet")


def _told(troubled: Sequence[tuple[str, int | None, Failure]], what: str) -> str:
    parts = [
        f"{{name: {model}{'' if version is None else f' version: {version}'}}} due to error: {failure}}}, "
        for model, version, failure in troubled
    ]
    return f"{len(troubled)} {what} did not become available: {{{''.join(parts)}}}"
