"""One model: its versions on the model servers, and which of them is current."""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.errors import (
    DeadlineError,
    GatewayError,
    ModelNotReadyError,
    ModelServerDownError,
    UnknownVersionError,
)
from gateway.labels import LabelBook
from gateway.proofs import Proofs, There
from gateway.servers.combine import one_status
from gateway.settings import GatewaySettings
from gateway.version import ServedVersion
from gateway.view import AVAILABLE, ModelView, available, candidates, told
from wire.client import VersionStatus

_log = logging.getLogger(__name__)

Wanted = int | str | None  # a version by its number or by a label; None: the one that the gateway chooses
Named = Callable[[], Collection[int | str]]


class Model:
    """Follows one model in a thread of its own, so that a slow model delays no other.

    Any thread may ask at any time. `start` begins to follow; `stop` it when the model is gone.
    """

    def __init__(
        self, name: str, backend: Backend, labels: LabelBook, settings: GatewaySettings, named: Named = tuple
    ) -> None:
        """`named` tells the versions and labels to look after whether anybody asks for them or not."""
        self.name = name
        self._view = ModelView()  # replaced, never changed
        self._backend = backend
        self._labels = labels
        self._settings = settings
        self._proofs = Proofs(name, backend, settings)  # the thread's own
        self._named = named
        self._asked_for: set[int | str] = set()  # versions and labels to look after beside the current one
        self._trouble: str | None = None
        self._told = False  # whether the last round learnt which versions there are
        self._rounds = threading.Condition()
        self._begun = 0
        self._ended = 0
        self._stopped = False
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow-{name}", daemon=True)

    @property
    def view(self) -> ModelView:
        """What holds now: a version that was not checked since its servers were away is not current."""
        return self._view.holding()

    def found(self, wanted: Wanted) -> ServedVersion | None:
        """The version that is wanted if it can answer at once, without a look at the model server."""
        view = self.view
        return view.current if wanted is None else _found(view, wanted)

    def version(self, wanted: Wanted, deadline: Deadline) -> ServedVersion:
        """The version that is wanted, checked.

        Raises:
            UnknownVersionError: the model server has no such version loaded, or knows no such label.
            ModelNotReadyError: it has, and that cannot answer; or it cannot be asked.
            DeadlineError: that is not known within the deadline.
        """
        if wanted is None:
            return self.current(deadline)
        found = _found(self.view, wanted)
        if found is None:
            with self._rounds:
                self._asked_for.add(wanted)
            self.refresh(deadline)
            view = self.view
            found = _found(view, wanted)
            if found is None:
                number = wanted if isinstance(wanted, int) else view.labels.get(wanted)
                if number not in available(view):
                    if self._trouble and not self._told:
                        raise ModelNotReadyError(self.name, self._trouble)
                    raise UnknownVersionError(self.name, wanted)
                why = view.unfit.get(number, "is not checked yet")
                raise ModelNotReadyError(self.name, self._trouble or f"version {number}: {why}")
        return found

    def current(self, deadline: Deadline) -> ServedVersion:
        """The version that answers now. After an outage it is checked before it answers again; so is one that this
        process, which may be one of several workers, has not looked at yet.

        Raises:
            ModelNotReadyError: there is none.
            DeadlineError: that is not known within the deadline.
        """
        if self._may_have_come:
            self.refresh(deadline)
        view = self.view
        if view.current is None:
            raise ModelNotReadyError(self.name, self._trouble or view.reason)
        return view.current

    def looked_at(self, deadline: Deadline) -> ModelView:
        """What holds now. Where nothing is current that may have come since it was last asked, that is asked anew,
        within the deadline.
        """
        if self._may_have_come:
            with suppress(DeadlineError):
                self.refresh(deadline)
        return self.view

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

    def replace_gone(self, gone: ServedVersion, wanted: Wanted, deadline: Deadline) -> None:
        """Returns once `wanted` means another version than `gone`, which a request found unloaded.

        Raises:
            ModelNotReadyError, UnknownVersionError: there is none.
            DeadlineError: that is not known within the deadline.
        """
        if self.version(wanted, deadline) is gone:
            self.refresh(deadline)
            if self.version(wanted, deadline) is gone:
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

    @property
    def is_coming(self) -> bool:
        """A version was on its way when that was last asked."""
        return self._view.statuses is not None and self._view.on_its_way

    @property
    def _may_have_come(self) -> bool:
        """No version is current, but one was, or was on its way, or the model server had not said anything yet: it was
        about to listen, or this process is one of several workers, of which another has seen more.
        """
        return self.view.current is None and (self._view.current is not None or self._view.on_its_way)

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
        self._backend.displace(self.name)

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
        self._told = False
        with self._rounds:
            asked_for = {*self._asked_for, *self._named()}
        statuses = self._backend.statuses(self.name, self._deadline())
        lines = one_status(statuses.values())
        labels = self._labelled(asked_for, lines) if lines else {}
        there = {
            number: [server for server, told_there in statuses.items() if (number, AVAILABLE) in _states(told_there)]
            for number in {line.version for line in lines if line.state == AVAILABLE}
        }
        self._proofs.keep_only(there, [server for server in self._backend.pool.servers if server not in statuses])
        labelled = labels.get(self._settings.label)
        self._view = told(self._view, lines, labelled, MappingProxyType(dict(labels)), self._proofs.unfit(there))
        self._told = True
        self._place(there)
        before = self._view.holding()
        self._choose(before, there)
        self._prove(asked_for, before, there)

    def _labelled(self, asked_for: set[int | str], statuses: Sequence[VersionStatus]) -> Mapping[str, int]:
        """The versions of labels. One that is not loaded may have lost its label a moment ago: that is asked anew."""
        wanted = self._labels_in(asked_for)
        labels = self._labels.versions(self.name, wanted, self._deadline())
        there = {line.version for line in statuses if line.state == AVAILABLE}
        if {labels[label] for label in wanted & labels.keys()} <= there:
            return labels
        return self._labels.versions(self.name, wanted, self._deadline(), anew=True)

    def _labels_in(self, asked_for: set[int | str]) -> set[str]:
        return {name for name in (self._settings.label, *asked_for) if name and isinstance(name, str)}

    def _choose(self, before: ModelView, there: There) -> None:
        """Makes the best version current."""
        for number in candidates(before):
            version = before.proved.get(number) or self._checked(number, there)
            if version:
                self._view = replace(self._view, current=version, proved=before.proved)
                return
        if self._view.current and not (before.current and before.current.number in available(before)):
            self._view = replace(self._view, current=None)
            _log.warning("%s: no version can answer: %s", self.name, self._view.reason)

    def _prove(self, asked_for: set[int | str], before: ModelView, there: There) -> None:
        """Checks what was asked for beside the current version; what is not there any more need not be asked again. And
        what answers already, on servers that have it since.
        """
        proved = dict(before.proved)
        for wanted in asked_for:
            number = wanted if isinstance(wanted, int) else self._view.labels.get(wanted)
            if number is None or number not in there:
                with self._rounds:
                    self._asked_for.discard(wanted)
            elif number not in self._view.unfit and self.view.version(number) is None:
                version = proved.get(number) or self._checked(number, there)
                if version:
                    proved[number] = version
        if proved != before.proved:
            self._view = replace(self._view, current=self.view.current, proved=MappingProxyType(proved))
        for version in filter(None, (self.view.current, *proved.values())):
            if version.number in there:
                self._checked(version.number, there)

    def _checked(self, number: int, there: There) -> ServedVersion | None:
        """The version if it can answer; None if it is unfit, which is remembered, or gone."""
        try:
            return self._proofs.prove(number, there[number])
        finally:
            self._place(there)

    def _place(self, there: There) -> None:
        """Requests go where versions proved themselves."""
        placed = MappingProxyType(self._proofs.placed())
        self._backend.place(self.name, placed)
        left_out = {number: tuple(self._proofs.rejected(number)) for number in there}
        unfit = MappingProxyType(self._proofs.unfit(there))
        self._view = replace(self._view, placed=placed, left_out=MappingProxyType(left_out), unfit=unfit)

    def _deadline(self) -> Deadline:
        return Deadline.after(self._settings.deadline_s)

    def _note(self, trouble: str | None) -> None:
        """Logs a trouble once, not at every poll."""
        if trouble and trouble != self._trouble:
            _log.warning("%s: %s", self.name, trouble)
        self._trouble = trouble


def _found(view: ModelView, wanted: int | str) -> ServedVersion | None:
    number = wanted if isinstance(wanted, int) else view.labels.get(wanted)
    return None if number is None else view.version(number)


def _states(lines: Sequence[VersionStatus]) -> set[tuple[int, str]]:
    return {(line.version, line.state) for line in lines}
