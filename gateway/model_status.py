"""The states of a model's versions as the message that TensorFlow Serving tells them in."""

from collections.abc import Iterable
from typing import Any

from grpc import StatusCode

from gateway.backend import Backend
from gateway.call import Call
from gateway.errors import UnknownModelError, UnknownVersionError, VersionGoneError
from gateway.registry import Registry
from gateway.view import UNLOADABLE, ModelView
from wire import messages
from wire.client import VersionStatus

_UNFIT: int = StatusCode.FAILED_PRECONDITION.value[0]


def read_status(registry: Registry, backend: Backend, call: Call, version: int | None = None) -> Any:
    """The `GetModelStatusResponse` about the model of a call, asked now: about all versions, or the one of that number.

    Raises:
        UnknownModelError, UnknownVersionError: there is none.
        GatewayError: see `gateway.refusals`.
    """
    model = registry.model(call.model, call.deadline)
    call.trace.model = model.name
    try:
        lines = backend.status(model.name, call.deadline)
    except VersionGoneError:
        lines = []
    if version is not None and version not in {line.version for line in lines}:
        raise UnknownVersionError(model.name, version)
    if not lines:
        raise UnknownModelError(model.name)
    return status_message((line for line in lines if version in (None, line.version)), model.view)


def status_message(lines: Iterable[VersionStatus], view: ModelView) -> Any:
    """A version that the gateway rejected is AVAILABLE on the model server; the error says why it will not answer."""
    response = messages.GetModelStatusResponse()
    for line in lines:
        told = response.model_version_status.add(version=line.version)
        told.state = messages.ModelVersionStatus.State.Value(line.state)
        told.status.SetInParent()
        if line.code:
            told.status.error_code, told.status.error_message = line.code, UNLOADABLE
        elif line.version in view.unfit:
            told.status.error_code, told.status.error_message = _UNFIT, view.unfit[line.version]
    return response
