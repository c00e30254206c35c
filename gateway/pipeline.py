"""The one way of a request: body → typed request → tensors → model server → tensors → typed response."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

from pydantic import BaseModel

from gateway.backend import Backend
from gateway.call import Call
from gateway.errors import BrokenAnswerError, DigestError, VersionGoneError
from gateway.message import Message
from gateway.registry import Registry
from gateway.settings import Limits
from gateway.tasks.base import AnyTask, Request
from gateway.tensors import TensorCall, check_public, check_tensors
from gateway.version import ServedVersion
from wire.methods import PREDICT

Read = Callable[[AnyTask], Request]  # what a caller sent, as the typed request of the task that answers

_T = TypeVar("_T")


@dataclass(frozen=True)
class Relayed:
    """The model server's response, and the version that it is from."""

    version: ServedVersion
    response: Any


class Pipeline:
    """Answers requests. Safe to share between threads."""

    def __init__(self, registry: Registry, backend: Backend, limits: Limits) -> None:
        self._registry = registry
        self._backend = backend
        self._limits = limits

    def answer(
        self, call: Call, read: Read, *, task_of: Callable[[ServedVersion], AnyTask] = attrgetter("task")
    ) -> BaseModel:
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
        with call.trace.stage("decode"):
            request = read(task)
        with call.trace.stage("preprocess"):
            inputs = task.preprocess(request, call.deadline.remaining_s)
        with call.trace.stage("infer"):
            outputs = self._backend.predict(version.model, version.number, task.signature, inputs, call.deadline)
        with call.trace.stage("postprocess"):
            response: BaseModel = task.postprocess(request, outputs)
        return response

    def _predict(self, call: Call, tensors: TensorCall, version: ServedVersion) -> Relayed:
        with call.trace.stage("preprocess"):
            signature = check_tensors(tensors, version.manifest, self._limits)
            call.deadline.remaining_s()
        spec = tensors.request.model_spec
        spec.signature_name = signature
        message = Message(PREDICT, tensors.request, (spec,), attrgetter("model_spec"), tensors.tensor_content)
        return self.send(call, message, version)
