"""One model: its versions on the model server, and which of them is current."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.errors import GatewayError, ModelNotReadyError, ModelServerDownError, UnfitVersionError, VersionGoneError
from gateway.labels import LabelBook
from gateway.settings import GatewaySettings
from gateway.version import ServedVersion, learn_version, replay_goldens
from wire.client import VersionStatus

_log = logging.getLogger(__name__)

_AVAILABLE = "AVAILABLE"
_COMING = ("START", "LOADING", _AVAILABLE)


@dataclass(frozen=True)
class ModelView:
    """What is known of a model at one moment.

    `statuses` is None until the model server was asked; `unfit` says of rejected versions why. `labelled` has the
    gateway's label, see `gateway.labels`. `era` is the backend's in which the current version was checked.
    """

    current: ServedVersion | None = None
    statuses: tuple[VersionStatus, ...] | None = None
    unfit: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    labelled: int | None = None
    era: object = None

    @property
    def fault(self) -> str | None:
        """Why the version that should be current was rejected, None if it was not."""
        wanted = max(_available(self), default=-1) if self.labelled is None else self.labelled
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
        if line.state != _AVAILABLE:
            return line.state
        return "not promoted" if self.passed_over(line.version) else "not checked yet"


def _available(view: ModelView) -> list[int]:
    """Newest first."""
    return sorted((line.version for line in view.statuses or () if line.state == _AVAILABLE), reverse=True)


def told(view: ModelView, statuses: Sequence[VersionStatus], labelled: int | None = None) -> ModelView:
    """The view after the model server told its `statuses`, and the version `labelled`.

    A rejection counts as long as the version is available.
    """
    after = replace(view, statuses=tuple(statuses), labelled=labelled)
    available = _available(after)
    unfit = {number: why for number, why in view.unfit.items() if number in available}
    return replace(after, unfit=MappingProxyType(unfit))


def candidates(view: ModelView) -> list[int]:
    """Versions to prefer to the current one, best first: available, newer, not rejected.

    Any version is preferred to a current one that is not available any more. Where one is promoted, there is no other.
    """
    available = _available(view)
    current = view.current.number if view.current else None
    if view.labelled is not None:
        preferred = [view.labelled] if view.labelled in available and view.labelled != current else []
    else:
        preferred = available[: available.index(current)] if current in available else available
    return [number for number in preferred if number not in view.unfit]


class Model:
    """Follows one model in a thread of its own, so that a slow model delays no other.

    Any thread may ask at any time. `start` begins to follow; `stop` it when the model is gone.
    """

    def __init__(self, name: str, backend: Backend, labels: LabelBook, settings: GatewaySettings) -> None:
        self.name = name
        self._view = ModelView()  # replaced, never changed
        self._backend = backend
        self._labels = labels
        self._settings = settings
        self._trouble: str | None = None
        self._rounds = threading.Condition()
        self._begun = 0
        self._ended = 0
        self._stopped = False
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow-{name}", daemon=True)

    @property
    def view(self) -> ModelView:
        """What holds now: a version that was not checked since nobody answered is not current."""
        view = self._view
        return view if view.era is self._backend.era else replace(view, current=None)

    def current(self, deadline: Deadline) -> ServedVersion:
        """The version that answers now. After an outage it is checked before it answers again.

        Raises:
            ModelNotReadyError: there is none.
            DeadlineError: that is not known within the deadline.
        """
        if self._view.current and not self.view.current:
            self.refresh(deadline)
        view = self.view
        if view.current is None:
            raise ModelNotReadyError(self.name, self._trouble or view.reason)
        return view.current

    def start(self) -> None:
        self._thread.start()

    def refresh(self, deadline: Deadline) -> None:
        """Returns once a round of asking the model server, begun after this call, has ended; well or not.

        Raises:
            DeadlineError: it has not within the deadline, or the model was stopped.
        """
        with self._rounds:
            begun = self._begun
            self._hurry.set()
            self._rounds.wait_for(lambda: self._ended > begun, deadline.remaining_s())
        deadline.remaining_s()

    def replace_gone(self, gone: ServedVersion, deadline: Deadline) -> None:
        """Returns once another version than `gone`, which a request found unloaded, is current.

        Raises:
            ModelNotReadyError: there is none.
            DeadlineError: that is not known within the deadline.
        """
        if self.view.current is gone:
            self.refresh(deadline)
        if self.view.current is gone:
            raise ModelNotReadyError(self.name, self.view.reason)

    def stop(self) -> None:
        """Following ends soon: after the running call to the model server."""
        self._stopped = True
        self._hurry.set()

    def join(self) -> None:
        """Returns once following, which was stopped, has ended."""
        self._thread.join()

    @property
    def followed(self) -> bool:
        return self._thread.is_alive()

    def _follow(self) -> None:
        while not self._stopped:
            with self._rounds:
                self._hurry.clear()
                self._begun += 1
            self._try_round()
            with self._rounds:
                self._ended = self._begun
                self._rounds.notify_all()
            self._hurry.wait(self._settings.refresh_interval_s)

    def _try_round(self) -> None:
        try:
            self._round()
        except ModelServerDownError as exc:
            self._view = replace(self._view, unfit=MappingProxyType({}))  # the one that comes back may do better
            self._note(str(exc))
        except GatewayError as exc:
            self._note(str(exc))
        except Exception:  # whatever it is, the model must be followed on
            _log.exception("following %s failed", self.name)
        else:
            self._note(None)

    def _round(self) -> None:
        era = self._backend.era  # before anything is asked: whoever answers may go away meanwhile
        try:
            statuses = self._backend.status(self.name, self._deadline())
            labelled = self._labels.version(self.name, self._deadline())
        except VersionGoneError:
            statuses, labelled = [], None
        view = self._view = told(self._view, statuses, labelled)
        holds = view.era is era
        for number in candidates(view if holds else replace(view, current=None)):
            version = self._checked(number)
            if version:
                self._view = replace(self._view, current=version, era=era)
                return
        if view.current and not (holds and view.current.number in _available(view)):
            self._view = replace(self._view, current=None)
            _log.warning("%s: no version can answer: %s", self.name, self._view.reason)

    def _checked(self, number: int) -> ServedVersion | None:
        """The version if it can become current; None if it is unfit, which is remembered, or gone.

        One that was current before an outage, and has the same manifest, is the same one after it has proved itself.
        """
        before = self._view.current
        try:
            version = learn_version(self._backend, self.name, number, self._settings.limits, self._deadline())
            replay_goldens(version, self._backend, self._deadline)
        except VersionGoneError:
            return None
        except UnfitVersionError as exc:
            _log.error("%s: version %d does not become current: %s", self.name, number, exc)
            self._view = replace(self._view, unfit=MappingProxyType({**self._view.unfit, number: str(exc)}))
            return None
        _log.info("%s: version %d is current, its goldens are answered rightly", self.name, number)
        same = before is not None and (before.number, before.manifest) == (number, version.manifest)
        return before if same else version

    def _deadline(self) -> Deadline:
        return Deadline.after(self._settings.deadline_s)

    def _note(self, trouble: str | None) -> None:
        """Logs a trouble once, not at every poll."""
        if trouble and trouble != self._trouble:
            _log.warning("%s: %s", self.name, trouble)
        self._trouble = trouble
