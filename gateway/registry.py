"""The models there are: learnt from the model server, followed until the gateway ends."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.errors import GatewayError, UnknownModelError, VersionGoneError
from gateway.labels import LabelBook
from gateway.model import Model
from gateway.settings import GatewaySettings
from gateway.view import ModelView
from store.errors import InvalidNameError
from store.layout import check_name

_FRESH_S = 0.1  # for so long a listing is believed that a model is not there
_PATIENCE_S = 0.25  # for a fresh one
_LOOK_S = 2.0  # who asks which models there are waits so long for what may have come

_log = logging.getLogger(__name__)


def unready(server_fault: str | None, views: Mapping[str, ModelView], *, starting: bool) -> dict[str, str]:
    """Why the gateway should get no traffic, by model; empty when it should.

    While it is `starting`, models on their way are waited for. Later they are not: a model that is added to a running
    gateway takes no traffic from the others. A version rejected for its goldens always counts.
    """
    if server_fault:
        return {"model server": server_fault}
    if not any(view.current for view in views.values()):
        return {name: view.reason for name, view in views.items()} or {"models": "the model server has none"}
    return {
        name: view.fault or view.reason for name, view in views.items() if view.fault or (starting and view.on_its_way)
    }


class Registry:
    """Knows the models by name. Safe to share between threads. Owns the models' threads; `start` it, close it."""

    def __init__(
        self,
        backend: Backend,
        settings: GatewaySettings,
        named: Callable[[str], Collection[int | str]] = lambda _model: (),
    ) -> None:
        """`named` tells the versions and labels of a model that are looked after beside the current one."""
        self._named = named
        self._backend = backend
        self._settings = settings
        self._labels = LabelBook(backend)
        self._changing = threading.Lock()
        self._models: dict[str, Model] = {}  # replaced, never changed
        self._gone: list[Model] = []  # stopped, their threads perhaps still in a call
        self._listing = bool(settings.models)  # whether `_models` says which models there are
        self._server_fault: str | None = "has not been asked yet"
        self._starting = True
        self._hurry = threading.Event()
        self._rounds = threading.Condition()
        self._begun = self._ended = 0
        self._begun_at = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow-models", daemon=True)

    def start(self) -> None:
        self._backend.start()
        self._keep_only(self._settings.models)
        self._thread.start()

    def models(self) -> Mapping[str, Model]:
        """All known models, by name in order."""
        return self._models

    def views(self) -> Mapping[str, ModelView]:
        """What holds now of all known models, by name in order; where nothing is current that may have come, that is
        asked anew, for a moment at most.
        """
        deadline = Deadline.after(min(_LOOK_S, self._settings.deadline_s))
        with self._rounds:
            self._rounds.wait_for(lambda: self._ended, deadline.remaining_s())
        return {name: model.looked_at(deadline) for name, model in self._models.items()}

    def model(self, name: str, deadline: Deadline) -> Model:
        """The model of that name. One that an unlisting server turns out to have is followed from then on. One that is
        not listed may be new: the server is asked again, but not for each of many such calls.

        Raises:
            UnknownModelError: there is none.
            ModelServerDownError: that cannot be known, because the model server does not answer.
        """
        known = self._models.get(name) or (self._looked_again(name, deadline) if self._listing else None)
        if known:
            return known
        if self._listing:
            raise UnknownModelError(name)
        return self._on_demand(name, deadline)

    def unready(self) -> dict[str, str]:
        """Why the gateway should get no traffic, by model; empty when it should."""
        views = {name: model.view for name, model in self._models.items()}
        reasons = unready(self._server_fault, views, starting=self._starting)
        self._starting = self._starting and bool(reasons)
        return reasons

    def close(self) -> None:
        """Ends what `start` began; running calls to the model server are waited for."""
        self._closing.set()
        self._hurry.set()
        self._thread.join()
        self._keep_only([])
        for model in self._gone:
            model.join()
        self._backend.close()

    def _looked_again(self, name: str, deadline: Deadline) -> Model | None:
        """The model after a listing that began a moment ago, if that has ended in time."""
        with self._rounds:
            if time.monotonic() - self._begun_at > _FRESH_S and not self._settings.models:
                begun = self._begun
                self._hurry.set()
                self._rounds.wait_for(lambda: self._ended > begun, min(_PATIENCE_S, deadline.remaining_s()))
        return self._models.get(name)

    def _on_demand(self, name: str, deadline: Deadline) -> Model:
        try:
            self._backend.status(check_name(name), deadline)
        except (InvalidNameError, VersionGoneError) as exc:
            raise UnknownModelError(name) from exc
        model = self._add(name)
        model.refresh(deadline)
        return model

    def _run(self) -> None:
        while not self._closing.is_set():
            with self._rounds:
                self._hurry.clear()
                self._begun += 1
                self._begun_at = time.monotonic()
            self._ask()
            with self._rounds:
                self._ended = self._begun
                self._rounds.notify_all()
            self._hurry.wait(self._settings.refresh_interval_s)

    def _ask(self) -> None:
        try:
            listed = self._backend.labels(Deadline.after(self._settings.deadline_s))
        except GatewayError as exc:
            self._note(str(exc))
            return
        except Exception:  # whatever it is, the models must be followed on
            _log.exception("listing the models failed")
            return
        self._note(None)
        if listed is not None and not self._settings.models:
            self._listing = True
            self._keep_only(list(listed))

    def _add(self, name: str) -> Model:
        with self._changing:
            model = self._models.get(name)
            if model is None:
                model = Model(name, self._backend, self._labels, self._settings, partial(self._named, name))
                model.start()
                self._models = dict(sorted({**self._models, name: model}.items()))
            return model

    def _keep_only(self, names: Sequence[str]) -> None:
        for name in names:
            self._add(name)
        with self._changing:
            gone = [model for name, model in self._models.items() if name not in names]
            self._models = {name: model for name, model in self._models.items() if name in names}
        for model in gone:
            model.stop()
        self._gone = [model for model in (*self._gone, *gone) if model.followed]

    def _note(self, fault: str | None) -> None:
        if fault and fault != self._server_fault:
            _log.warning("%s", fault)
        elif self._server_fault and not fault:
            _log.info("%s: the model server answers", ", ".join(self._settings.model_servers))
        self._server_fault = fault
