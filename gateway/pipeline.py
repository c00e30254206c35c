"""The one way of a request: body → typed request → tensors → model server → tensors → typed response."""

from collections.abc import Callable
from operator import attrgetter

from pydantic import BaseModel

from gateway.backend import Backend
from gateway.body import read_request
from gateway.deadline import Deadline
from gateway.errors import DigestError, VersionGoneError
from gateway.registry import Registry
from gateway.tasks.base import AnyTask
from gateway.trace import Trace
from gateway.version import ServedVersion


class Pipeline:
    """Answers requests. Safe to share between threads."""

    def __init__(self, registry: Registry, backend: Backend) -> None:
        self._registry = registry
        self._backend = backend

    def answer(
        self,
        name: str,
        body: bytes,
        media_type: str,
        trace: Trace,
        deadline: Deadline,
        *,
        digest: str | None = None,
        task_of: Callable[[ServedVersion], AnyTask] = attrgetter("task"),
    ) -> BaseModel:
        """The answer of the model's current version, by the one of its tasks that is asked. If the caller pins a
        `digest`, the version must have it.

        A version may be unloaded between two looks at the model server. Then the request goes its whole way again with
        the version that took its place: its manifest, its tokenizer, its labels. So it does when the model server was
        away meanwhile and came back with something else: who answered is not known then.

        Raises:
            GatewayError, ProcessingError: see `gateway.problems`.
        """
        model = self._registry.model(name, deadline)
        trace.model = model.name
        while True:
            era = self._backend.era
            version = trace.version = model.current(deadline)
            if digest not in (None, version.manifest.digest):
                raise DigestError(version.model, version.number, version.manifest.digest, str(digest))
            try:
                answer = self._answer(version, body, media_type, trace, deadline, task=task_of(version))
            except VersionGoneError:
                model.replace_gone(version, deadline)
            else:
                if self._backend.era is era or model.current(deadline) is version:
                    return answer

    def _answer(
        self, version: ServedVersion, body: bytes, media_type: str, trace: Trace, deadline: Deadline, *, task: AnyTask
    ) -> BaseModel:
        with trace.stage("decode"):
            request = read_request(task, body, media_type)
        with trace.stage("preprocess"):
            inputs = task.preprocess(request, deadline.remaining_s)
        with trace.stage("infer"):
            outputs = self._backend.predict(version.model, version.number, task.signature, inputs, deadline)
        with trace.stage("postprocess"):
            response: BaseModel = task.postprocess(request, outputs)
        return response
