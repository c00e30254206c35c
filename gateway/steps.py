"""An answer that takes many runs: each in the time of a request, by the version that began it or one that can go on."""

import logging
from collections.abc import Callable

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.errors import ModelNotReadyError, ModelServerDownError, RequestError, VersionGoneError
from gateway.tasks.base import Streaming, Tensors
from gateway.work import Work

_log = logging.getLogger(__name__)


class AnswerSteps:
    """The runs that answer one request of a task that takes many, each in the time of a request.

    When the version goes, what nobody has seen yet begins anew with the one that takes its place. A stream goes on with
    that one, if it can.
    """

    def __init__(self, work: Work, backend: Backend, whole_s: float) -> None:
        self.version = work.version
        self._work, self._turn = work, work.turn
        self._backend = backend
        self._limit_s = work.turn.call.deadline.limit_s
        self._whole = work.turn.call.deadline.lengthened(whole_s)
        self._era = backend.era
        self.begun = False

    def deadline(self) -> Deadline:
        """Of one that begins now."""
        return self._whole.within(self._limit_s)

    def longest(self) -> Deadline | None:
        """Until when what has begun may wait for a model server that is away; None: nothing has."""
        return self._whole if self.begun else None

    def take(self, act: Callable[[Deadline], Tensors]) -> Tensors:
        """What `act` says. Raises `VersionGoneError` when it may have been another version that answered."""
        deadline = self.deadline()
        outputs = act(deadline)
        self.begun = True
        now = self._backend.era
        if now is not self._era:  # it was away since the last step, and may have come back with something else
            try:
                self.look(deadline)
            except ModelNotReadyError as exc:
                raise ModelServerDownError from exc
            self._era = now
        return outputs

    def look(self, deadline: Deadline) -> None:
        """Raises `VersionGoneError` when another version answers now, or other content under its number."""
        if not self._turn.version(deadline).is_as(self.version):
            raise VersionGoneError(self.version.model, self.version.number)

    def go_over(self) -> None:
        """To the version that took the place of this one: the same, back after an outage, or another where somebody has
        seen the beginning.

        Raises:
            VersionGoneError: nothing has begun; or there is none that can go on, or that the caller wants.
            ModelServerDownError: it is on its way.
            DeadlineError: which there is is not known in time.
        """
        call, gone = self._turn.call, self.version
        error = VersionGoneError(gone.model, gone.number)
        if not self.begun:
            raise error
        deadline = self.deadline()
        try:
            self._turn.replace_gone(gone, deadline)
            found = self._turn.version(deadline)
            task = self._work.task_of(found)
        except ModelNotReadyError as exc:
            raise (ModelServerDownError() if self._turn.model.is_coming else error) from exc
        except RequestError as exc:
            raise error from exc
        if not (self._work.request.streamed or found.is_as(gone)):
            raise error
        if call.digest not in (None, found.manifest.digest):
            raise error
        if not (isinstance(task, Streaming) and task.takes_over(self._work.task)):
            raise error
        _log.info("a text of %s goes on with version %d after %d", gone.model, found.number, gone.number)
        self.version = call.trace.version = found
