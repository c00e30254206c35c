"""The one way of a request: body → typed request → tensors → model server → tensors → typed response."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel

from gateway.admission import Admission
from gateway.backend import Backend
from gateway.call import Call
from gateway.captures.captures import Captures
from gateway.companies import Companies
from gateway.deadline import Deadline
from gateway.errors import (
    BrokenAnswerError,
    DigestError,
    GatewayError,
    RequestError,
    UnseenTextError,
    VersionGoneError,
)
from gateway.keeping import Keepers, Kept
from gateway.message import Message
from gateway.registry import Registry
from gateway.room import Room
from gateway.routing.router import Router
from gateway.routing.turn import Turn
from gateway.routing.watch import Watch
from gateway.servers.estate import Estate
from gateway.settings import GatewaySettings
from gateway.steps import AnswerSteps
from gateway.stream import Stream, followed
from gateway.tasks.base import AnyTask, Ask, Bulky, Request, Streaming, Tensors, limited
from gateway.tensors import TensorCall, check_public, check_tensors
from gateway.unknown_language import UnknownLanguage
from gateway.version import ServedVersion
from gateway.work import TaskOf, Work
from processing.errors import ProcessingError
from processing.masking import Masker
from wire.methods import PREDICT

Read = Callable[[Any], Request]  # what a caller sent, as the typed request of the task that answers

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_THE_TASK: TaskOf = attrgetter("task")


@dataclass(frozen=True)
class Relayed:
    """The model server's response, and the version that it is from."""

    version: ServedVersion
    response: Any


@dataclass(frozen=True)
class _Done:
    """Work with its answer."""

    work: Work
    answer: BaseModel


class Pipeline:
    """Answers requests. Safe to share between threads."""

    def __init__(
        self,
        router: Router,
        registry: Registry,
        backend: Backend,
        *,
        streams: Admission,
        captures: Captures,
        estate: Estate,
        settings: GatewaySettings,
    ) -> None:
        """Each step of a text that is generated takes a turn of `streams`: many texts at once leave the interpreter to
        short requests in between.
        """
        self._router = router
        self._registry = registry
        self._backend = backend
        self._companies = Companies(backend, settings.workers)
        self._keepers = Keepers(backend, streams, estate)
        self._streams = streams
        self._room = Room(settings.recording_bytes, readers=settings.steps)
        self._captures = captures
        self._settings = settings

    def answer(self, call: Call, read: Read, *, task_of: TaskOf = _THE_TASK) -> BaseModel:
        """The answer of one of a version's tasks, or of the model that stands in where the call's own cannot answer.

        Raises:
            GatewayError, ProcessingError: see `gateway.refusals`.
        """
        return self._standing_in(call, lambda asked: self._answer(asked, read, task_of))

    def predict(self, call: Call, tensors: TensorCall) -> Relayed:
        """The `PredictResponse` to a caller's tensors, which are forwarded as they are.

        Raises:
            GatewayError: see `gateway.refusals`.
        """
        return self.dealt(call, lambda turn, version: self._predict(turn, tensors, version))

    def relay(self, call: Call, message: Message) -> Relayed:
        """The response to a caller's own message, which is forwarded as it is.

        Raises:
            GatewayError: see `gateway.refusals`.
        """
        return self.dealt(call, lambda turn, version: self.send(turn.call, message, version))

    def dealt(self, call: Call, act: Callable[[Turn, ServedVersion], _T]) -> _T:
        """What `act` makes of the version that the model's route deals the call to.

        The turn has the call with the time that the route leaves it, and the route's limits if it has its own.

        Raises:
            What `by_version` does.
        """
        turn = self._router.turn(call)
        if turn.call.masks:
            raise UnseenTextError("tensors")
        with self._router.watched(turn):
            return self._led(turn, lambda version: act(turn, version))

    def reply(self, call: Call, read: Read, *, task_of: TaskOf = _THE_TASK) -> BaseModel | Stream:
        """The answer, or a stream of it if that is what the request wants.

        Until the first piece a stream is begun anew with the version that takes the place of one that is gone; after it
        there is no way back, and the stream ends with the error.

        Raises:
            GatewayError, ProcessingError: as `answer`; so do the pieces.
        """
        return self._standing_in(call, lambda asked: self._reply(asked, read, task_of))

    def steps(self, model: str) -> bool:
        """Whether a model answers step by step, so that an answer may take long; False if that is not known."""
        found = self._registry.models().get(model)
        current = found.view.current if found else None
        return current is not None and isinstance(current.task, Streaming)

    def by_version(self, call: Call, act: Callable[[ServedVersion], _T]) -> _T:
        """What `act` makes of the version that answers the call, where calls are not split.

        A version may be unloaded between two looks at the model server. Then the call goes its whole way again with the
        version that took its place: its manifest, its tokenizer, its labels. So it does when the model server was away
        meanwhile and came back with something else: who answered is not known then.

        Raises:
            GatewayError: there is no such version, or it has not the digest that the caller pins.
            Whatever `act` raises, but `VersionGoneError`.
        """
        return self._led(self._router.turn(call, dealt=False), act)

    def _led(self, turn: Turn, act: Callable[[ServedVersion], _T], task_of: TaskOf | None = None) -> _T:
        """`task_of`: what `act` asks. If that takes many steps each has made sure already which version answered."""
        call, looked_again, deadline = turn.call, False, turn.call.deadline
        while True:
            era = self._backend.era
            version = call.trace.version = turn.version(deadline)
            if call.digest not in (None, version.manifest.digest):
                if looked_again:
                    raise DigestError(version.model, version.number, version.manifest.digest, str(call.digest))
                turn.look_again()  # another worker may have told the caller of a version that this one has not seen yet
                looked_again = True
                continue
            try:
                answer = act(version)
            except VersionGoneError:
                deadline = self._deadline(call, version.task)
                turn.replace_gone(version, deadline)
            else:
                if task_of is not None and isinstance(task_of(version), Streaming):
                    return answer
                if self._backend.era is era or turn.version().is_as(version):
                    return answer

    def _deadline(self, call: Call, task: AnyTask) -> Deadline:
        """For one step of the answer from now on: of a task that takes many each has the time of a request."""
        if not isinstance(task, Streaming):
            return call.deadline
        return call.deadline.lengthened(self._settings.generation_s).within(call.deadline.limit_s)

    def send(self, call: Call, message: Message, version: ServedVersion) -> Relayed:
        """The response of that very version.

        Raises:
            VersionGoneError: it is not loaded any more; see `by_version`.
            GatewayError: see `gateway.refusals`.
        """
        for spec in message.specs:
            check_public(spec.signature_name)
            spec.name, spec.version.value = version.model, version.number
        with call.trace.stage("infer"):
            response = self._backend.ask(
                message.method,
                message.request,
                version.model,
                version.number,
                call.deadline,
                tensor_content=message.tensor_content,
            )
        answered = message.told(response).version.value
        if answered != version.number:
            raise BrokenAnswerError(
                f"{version.model} version {version.number} was asked, the model server answered version {answered}"
            )
        return Relayed(version, response)

    def _standing_in(self, call: Call, act: Callable[[Call], _T]) -> _T:
        """What `act` makes of the call, or of the one for a model that stands in."""
        try:
            return act(call)
        except Exception as exc:
            stand_in = self._router.stand_in(call, exc)
            if stand_in is None:
                raise
            try:
                return act(stand_in)
            except (RequestError, ProcessingError):
                raise  # the caller's fault, which the other model would have told, too
            except GatewayError:
                raise exc from None

    def _answer(self, call: Call, read: Read, task_of: TaskOf) -> BaseModel:
        turn = self._router.turn(call)
        with self._router.watched(turn):
            done = self._led(
                turn, lambda version: self._finished(self._prepared(turn, version, read, task_of)), task_of
            )
        return self._mirrored(turn, done, task_of)

    def _reply(self, call: Call, read: Read, task_of: TaskOf) -> BaseModel | Stream:
        turn = self._router.turn(call)
        with self._router.watched(turn) as watch:
            done = self._led(
                turn, lambda version: self._begun(self._prepared(turn, version, read, task_of), watch), task_of
            )
        return done if isinstance(done, Stream) else self._mirrored(turn, done, task_of)

    def _mirrored(self, turn: Turn, done: _Done, task_of: TaskOf) -> BaseModel:
        """The answer. Of what a version's own task answers, or makes step by step, shadows get a copy; of any, if the
        route says so, the captures."""
        work = done.work
        if mask := self._router.captured(work.turn):
            self._captures.take(work, done.answer, mask)
        if task_of(work.version) is work.version.task or isinstance(work.task, Streaming):
            self._router.mirror(turn, work.version, work.request, done.answer, task=work.task, task_of=task_of)
        return done.answer

    def _prepared(self, turn: Turn, version: ServedVersion, read: Read, task_of: TaskOf) -> Work:
        task, call = limited(task_of(version), turn.limits), turn.call
        with call.trace.stage("decode"):
            request = read(task)
        with call.trace.stage("preprocess"):
            longest, deadline = (turn.limits or self._settings.limits).text_chars, self._deadline(call, task)
            for mask in call.masks:
                request = request.with_texts(partial(_masked, mask, deadline, longest))
            inputs = self._read(task, request, deadline)
            call.trace.unknown_language = UnknownLanguage.of(request.texts, version.manifest.languages)
            return Work(turn, version, task_of, task, request, inputs)

    def _read(self, task: AnyTask, request: Request, deadline: Deadline) -> Any:
        """The inputs. Who could have hundreds of long ones read at once would have all processors, and all memory."""
        if not isinstance(task, Bulky):
            return task.preprocess(request, deadline.remaining_s)
        with self._room.reading(deadline):
            inputs = task.preprocess(request, deadline.remaining_s)
            self._room.take(inputs, task.size(inputs))
            return inputs

    def _begun(self, work: Work, watch: Watch | None) -> _Done | Stream:
        request, task = work.request, work.task
        if not (request.streamed and isinstance(task, Streaming)):
            return self._finished(work)
        with work.turn.call.trace.stage("infer"):
            pieces = task.stream(request, work.inputs, self._asking(work))
            if watch:
                pieces = watch.lasting(pieces)
            mask = self._router.captured(work.turn)
            if mask or work.turn.live:
                pieces = followed(pieces, partial(self._told, work, mask))
            return Stream(work.inputs, pieces)

    def _told(self, work: Work, mask: Masker | None, pieces: list[Any], whole: bool) -> None:
        """What was told of a stream, to the captures; and if it is whole to shadows."""
        if not (pieces and isinstance(work.task, Streaming)):
            return
        answer = work.task.joined(work.request, work.inputs, pieces)
        if mask:
            self._captures.take(work, answer, mask, whole=whole)
        if whole:
            self._router.mirror(work.turn, work.version, work.request, answer, task=work.task, task_of=work.task_of)

    def _finished(self, work: Work) -> _Done:
        task, trace = work.task, work.turn.call.trace
        with trace.stage("infer"):
            outputs = task.infer(work.request, work.inputs, self._asking(work))
        with trace.stage("postprocess"):
            return _Done(work, task.postprocess(work.request, outputs))

    def _predict(self, turn: Turn, tensors: TensorCall, version: ServedVersion) -> Relayed:
        call = turn.call
        with call.trace.stage("preprocess"):
            signature = check_tensors(tensors, version.manifest, turn.limits or self._settings.limits)
            call.deadline.remaining_s()
        spec = tensors.request.model_spec
        spec.signature_name = signature
        message = Message(PREDICT, tensors.request, (spec,), attrgetter("model_spec"), tensors.tensor_content)
        return self.send(call, message, version)

    def _asking(self, work: Work) -> Ask:
        """Runs of the task's signature; of a task that takes many of them each in the time of a request."""
        call, task, version = work.turn.call, work.task, work.version
        if not isinstance(task, Streaming):
            predict = self._companies.call(version, task)
            alone = partial(self._companies.alone, version)
            return Ask(
                lambda inputs: predict(inputs, call.deadline),
                _keeps_nothing,
                lambda signature, inputs: alone(signature)(inputs, call.deadline),
            )
        steps = AnswerSteps(work, self._backend, self._settings.generation_s)

        def run(signature: str, inputs: Tensors) -> Tensors:
            def turn(deadline: Deadline) -> Tensors:
                with self._streams.work(deadline, begun=steps.begun):
                    return self._companies.alone(steps.version, signature)(inputs, deadline)

            while True:
                try:
                    return steps.take(turn)
                except VersionGoneError:
                    steps.go_over()

        return Ask(partial(run, task.signature), lambda: Kept(self._keepers, steps), run)


def _keeps_nothing() -> NoReturn:
    raise NotImplementedError("only what answers step by step keeps anything")


def _masked(mask: Masker, deadline: Deadline, longest: int, text: str) -> str:
    """A text that is too long stays as it is: it is refused. Raises `DeadlineError` when there is no time left."""
    deadline.remaining_s()
    return mask(text) if len(text) <= longest else text
