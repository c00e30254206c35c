"""The source: which versions of the configured models are on disk, watched by polling."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from serving.lifecycle.model_config import ModelConfig
from store.layout import version_folders

_log = logging.getLogger(__name__)

_PATIENCE_S = 10.0  # for one look at all base paths; those that take longer are not waited for

_LAST_LOOK_S = 1.0  # before the end

_GLANCE_S = 0.1  # between two glances

Versions = Mapping[int, Path]


class Source:
    """Tells every poll what there is at each model's base path: `aspire` its versions, or `unlisted` why nobody knows.

    Each base path is looked at in a thread of its own, so that one on a network that hangs keeps nobody from seeing the
    others. Of one base path both are called from one thread at a time.
    """

    def __init__(
        self,
        models: Callable[[], Collection[ModelConfig]],
        interval_s: float,
        aspire: Callable[[ModelConfig, Versions], None],
        unlisted: Callable[[ModelConfig, str], None],
        *,
        glance: Callable[[], object] = lambda: None,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """`models` are asked for at every poll, and may raise OSError.

        `glance` is cheap, and says something else when there may be news: then the next poll is due at once.

        With `interval_s` 0 there is one poll, and one at each `poke`; negative: none ever.
        """
        self.polled = threading.Event()
        """Set once everything that one look found was told."""
        self._models = models
        self._interval_s = interval_s
        self._aspire = aspire
        self._unlisted = unlisted
        self._glance = glance
        self._patience_s = patience_s
        self._under_way: set[tuple[str, Path]] = set()
        self._done = threading.Condition()
        self._complaints: dict[str, str] = {}
        self._due = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def poke(self) -> None:
        """Polls soon: the models have changed."""
        self._due.set()

    def stop(self) -> None:
        """Returns when the thread has ended, or hangs in a store that does not answer; also fine before `start`."""
        with self._done:
            self._stopping = True
            self._done.notify_all()
        self._due.set()
        if self._thread.ident is not None:
            self._thread.join(_LAST_LOOK_S)

    def poll(self) -> None:
        """One look at all base paths. The thread calls it; a test may instead."""
        try:
            models = self._models()
        except OSError as exc:
            self._complain("the store", f"{exc.filename}: {exc.strerror or exc}")
            return
        self._complain("the store", "")
        if self._interval_s < 0:
            for model in models:
                self._unlisted(model, "file_system_poll_wait_seconds is negative, so nobody looks for versions")
        else:
            self._look_at(models)
        self.polled.set()

    def _look_at(self, models: Collection[ModelConfig]) -> None:
        """Returns when all are told, or the patience is over. A base path still looked at since last time is left."""
        with self._done:
            fresh = {_key(model): model for model in models if _key(model) not in self._under_way}
            self._under_way |= fresh.keys()
        for model in fresh.values():
            self._start_look(model)
        with self._done:
            self._done.wait_for(lambda: self._stopping or not fresh.keys() & self._under_way, self._patience_s)
            late = [model for key, model in fresh.items() if key in self._under_way]
        for model in [] if self._stopping else late:
            self._tell_unlisted(model, f"no answer within {self._patience_s:g} s")

    def _start_look(self, model: ModelConfig) -> None:
        try:
            threading.Thread(target=self._look, args=(model,), name="look", daemon=True).start()
        except RuntimeError as exc:  # the process may not have one more at present
            self._tell_unlisted(model, str(exc))
            self._looked(model)

    def _look(self, model: ModelConfig) -> None:
        try:
            versions = version_folders(model.base_path)
        except OSError as exc:
            self._tell_unlisted(model, exc.strerror or str(exc))
        except ValueError as exc:  # no name for a folder of this system
            self._tell_unlisted(model, str(exc))
        else:
            self._complain(model.name, "")
            self._aspire(model, versions)
        finally:
            self._looked(model)

    def _looked(self, model: ModelConfig) -> None:
        with self._done:
            self._under_way.discard(_key(model))
            self._done.notify_all()

    def _tell_unlisted(self, model: ModelConfig, reason: str) -> None:
        self._complain(model.name, f"{model.base_path}: {reason}")
        self._unlisted(model, reason)

    def _complain(self, what: str, reason: str) -> None:
        """Says once that something cannot be listed, not at every poll; an empty reason: it can."""
        with self._done:
            news = reason != self._complaints.get(what, "")
            self._complaints[what] = reason
        if news and reason:
            _log.error("%s cannot be listed (%s); what is served of it, if anything, goes on", what, reason)

    def _run(self) -> None:
        while True:
            seen = self._glance()  # before the poll: what changes meanwhile is news
            try:
                self.poll()
            except Exception:  # the watch outlives any single failure
                _log.exception("looking for versions failed")
            self._wait(seen)
            if self._stopping:
                return

    def _wait(self, seen: object) -> None:
        """Until the next poll is due."""
        ends_at = time.monotonic() + self._interval_s if self._interval_s > 0 else None
        while not self._due.wait(None if ends_at is None else max(0, min(_GLANCE_S, ends_at - time.monotonic()))):
            if ends_at is not None and (time.monotonic() >= ends_at or self._glance() != seen):
                return
        self._due.clear()


def _key(model: ModelConfig) -> tuple[str, Path]:
    return model.name, model.base_path
