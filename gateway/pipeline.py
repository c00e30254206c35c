"""The one way of a request: body → typed request → tensors → model server → tensors → typed response."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from pydantic import BaseModel

from gateway.admission import Admission
from gateway.backend import Backend
from gateway.call import Call
from gateway.deadline import Deadline
from gateway.errors import BrokenAnswerError, DigestError, VersionGoneError
from gateway.message import Message
from gateway.outputs import check_outputs
from gateway.registry import Registry
from gateway.settings import GatewaySettings
from gateway.stream import Stream
from gateway.tasks.base import AnyTask, Ask, Request, Streaming, Tensors
from gateway.tensors import TensorCall, check_public, check_tensors
from gateway.version import ServedVersion
from wire.methods import PREDICT

Read = Callable[[Any], Request]  # what a caller sent, as the typed request of the task that answers

TaskOf = Callable[[ServedVersion], AnyTask]

_T = TypeVar("_T")
_THE_TASK: TaskOf = attrgetter("task")


@dataclass(frozen=True)
class Relayed:
    """The model server's response, and the version that it is from."""

    version: ServedVersion
    response: Any


class Pipeline:
    """Answers requests. Safe to share between threads."""

    def __init__(self, registry: Registry, backend: Backend, streams: Admission, settings: GatewaySettings) -> None:
        """Each step of a text that is generated takes a turn of `streams`: many texts at once leave the interpreter to
        short requests in between.
        """
        self._registry = registry
        self._backend = backend
        self._streams = streams
        self._settings = settings

    def answer(self, call: Call, read: Read, *, task_of: TaskOf = _THE_TASK) -> BaseModel:
        """The answer of one of a version's tasks.

        Raises:
            GatewayError, ProcessingError: see `gateway.refusals`.
        """
        return self.by_version(call, lambda version: self._answer(call, task_of(version), version, read))

    def predict(self, call: Call, tensors: TensorCall) -> Relayed:
        """The `PredictResponse` to a caller's tensors, which are forwarded as they are.

        Raises:
            GatewayError: see `gateway.refusals`.
        """
        return self.by_version(call, lambda version: self._predict(call, tensors, version))

    def relay(self, call: Call, message: Message) -> Relayed:
        """The response to a caller's own message, which is forwarded as it is.

        Raises:
            GatewayError: see `gateway.refusals`.
        """
        return self.by_version(call, lambda version: self.send(call, message, version))

    def reply(self, call: Call, read: Read, *, task_of: TaskOf = _THE_TASK) -> BaseModel | Stream:
        """The answer, or a stream of it if that is what the request wants.

        Until the first piece a stream is begun anew with the version that takes the place of one that is gone; after it
        there is no way back, and the stream ends with the error.

        Raises:
            GatewayError, ProcessingError: as `answer`; so do the pieces.
        """
        return self.by_version(call, lambda version: self._reply(call, task_of(version), version, read))

    def steps(self, model: str) -> bool:
        """Whether a model answers step by step, so that an answer may take long; False if that is not known."""
        found = self._registry.models().get(model)
        current = found.view.current if found else None
        return current is not None and isinstance(current.task, Streaming)

    def by_version(self, call: Call, act: Callable[[ServedVersion], _T]) -> _T:
        """What `act` makes of the version that answers the call.

        A version may be unloaded between two looks at the model server. Then the call goes its whole way again with the
        version that took its place: its manifest, its tokenizer, its labels. So it does when the model server was away
        meanwhile and came back with something else: who answered is not known then.

        Raises:
            GatewayError: there is no such version, or it has not the digest that the caller pins.
            Whatever `act` raises, but `VersionGoneError`.
        """
        model = self._registry.model(call.model, call.deadline)
        call.trace.model = model.name
        while True:
            era = self._backend.era
            version = call.trace.version = model.version(call.wanted, call.deadline)
            if call.digest not in (None, version.manifest.digest):
                raise DigestError(version.model, version.number, version.manifest.digest, str(call.digest))
            try:
                answer = act(version)
            except VersionGoneError:
                model.replace_gone(version, call.wanted, call.deadline)
            else:
                if self._backend.era is era or model.version(call.wanted, call.deadline) is version:
                    return answer

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

    def _answer(self, call: Call, task: AnyTask, version: ServedVersion, read: Read) -> BaseModel:
        request, inputs = self._prepared(call, task, read)
        return self._finished(call, task, version, request, inputs)

    def _reply(self, call: Call, task: AnyTask, version: ServedVersion, read: Read) -> BaseModel | Stream:
        request, inputs = self._prepared(call, task, read)
        if not (request.streamed and isinstance(task, Streaming)):
            return self._finished(call, task, version, request, inputs)
        with call.trace.stage("infer"):
            return Stream(inputs, task.stream(request, inputs, self._asking(call, task, version)))

    def _prepared(self, call: Call, task: AnyTask, read: Read) -> tuple[Request, Any]:
        with call.trace.stage("decode"):
            request = read(task)
        with call.trace.stage("preprocess"):
            return request, task.preprocess(request, call.deadline.remaining_s)

    def _finished(self, call: Call, task: AnyTask, version: ServedVersion, request: Request, inputs: Any) -> BaseModel:
        with call.trace.stage("infer"):
            outputs = task.infer(request, inputs, self._asking(call, task, version))
        with call.trace.stage("postprocess"):
            response: BaseModel = task.postprocess(request, outputs)
        return response

    def _predict(self, call: Call, tensors: TensorCall, version: ServedVersion) -> Relayed:
        with call.trace.stage("preprocess"):
            signature = check_tensors(tensors, version.manifest, self._settings.limits)
            call.deadline.remaining_s()
        spec = tensors.request.model_spec
        spec.signature_name = signature
        message = Message(PREDICT, tensors.request, (spec,), attrgetter("model_spec"), tensors.tensor_content)
        return self.send(call, message, version)

    def _asking(self, call: Call, task: AnyTask, version: ServedVersion) -> Ask:
        """One run of the task's signature; of a task that takes many of them each in the time of a request."""
        check = partial(check_outputs, version.manifest.signatures.get(task.signature))

        def predict(inputs: Tensors, deadline: Deadline) -> Tensors:
            return self._backend.predict(version.model, version.number, task.signature, inputs, deadline, check=check)

        if not isinstance(task, Streaming):
            return lambda inputs: predict(inputs, call.deadline)
        whole, era = call.deadline.lengthened(self._settings.generation_s), self._backend.era

        def ask(inputs: Tensors) -> Tensors:
            nonlocal era
            deadline = whole.within(self._settings.deadline_s)
            with self._streams.work(deadline):
                outputs = predict(inputs, deadline)
            now = self._backend.era
            if now is not era:  # it was away since the last step, and may have come back with something else
                if self._registry.model(call.model, deadline).version(call.wanted, deadline) is not version:
                    raise VersionGoneError(version.model, version.number)
                era = now
            return outputs

        return ask
