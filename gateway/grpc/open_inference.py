"""The Open Inference Protocol's service, and Triton's ModelStreamInfer."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError

from gateway.errors import NotOfferedError, UnavailableError
from gateway.grpc.calls import Asked, Rpc
from gateway.open_inference.message import read_message, write_message
from gateway.open_inference.metadata import ServerMetadata, model_metadata
from gateway.open_inference.parameters import version_of
from gateway.open_inference.tensors import outputs_of
from gateway.parts import Parts
from gateway.refusals import Refusal
from wire import messages
from wire.methods import (
    INFERENCE_SERVICE,
    MODEL_INFER,
    MODEL_METADATA,
    MODEL_READY,
    MODEL_STREAM_INFER,
    SERVER_LIVE,
    SERVER_METADATA,
    SERVER_READY,
    Method,
)

_DIALECT = "open-inference"

# Triton's, of which clients have methods.
_NOT_OFFERED = (
    "ModelConfig",
    "ModelStatistics",
    "RepositoryIndex",
    "RepositoryModelLoad",
    "RepositoryModelUnload",
    "SystemSharedMemoryStatus",
    "SystemSharedMemoryRegister",
    "SystemSharedMemoryUnregister",
    "CudaSharedMemoryStatus",
    "CudaSharedMemoryRegister",
    "CudaSharedMemoryUnregister",
    "TraceSetting",
    "LogSettings",
)


def rpcs(parts: Parts) -> Sequence[Rpc]:
    return (
        Rpc(SERVER_LIVE, _DIALECT, lambda _request, _asked: messages.ServerLiveResponse(live=True), work=False),
        Rpc(SERVER_READY, _DIALECT, lambda _request, _asked: _ready(parts), work=False),
        Rpc(SERVER_METADATA, _DIALECT, lambda _request, _asked: _server_metadata(), work=False),
        Rpc(MODEL_READY, _DIALECT, lambda request, asked: _model_ready(parts, request, asked), work=False),
        Rpc(MODEL_METADATA, _DIALECT, lambda request, asked: _model_metadata(parts, request, asked), work=False),
        Rpc(MODEL_INFER, _DIALECT, lambda request, asked: _infer(parts, request, asked)),
        *(_not_offered(name) for name in _NOT_OFFERED),
    )


def streams(parts: Parts) -> Sequence[Rpc]:
    def answer(request: Any, asked: Asked) -> Any:
        return messages.ModelStreamInferResponse(infer_response=_infer(parts, request, asked))

    return (Rpc(MODEL_STREAM_INFER, _DIALECT, answer, failed=_failed),)


def _ready(parts: Parts) -> Any:
    return messages.ServerReadyResponse(ready=not parts.registry.unready())


def _server_metadata() -> Any:
    return messages.ServerMetadataResponse(**ServerMetadata().model_dump())


def _model_ready(parts: Parts, request: Any, asked: Asked) -> Any:
    """A model that cannot answer now is not ready; one that is not there is an error."""
    try:
        parts.pipeline.by_version(asked.call(request.name, version_of(request.version)), lambda version: version)
    except UnavailableError:
        return messages.ModelReadyResponse(ready=False)
    return messages.ModelReadyResponse(ready=True)


def _model_metadata(parts: Parts, request: Any, asked: Asked) -> Any:
    call = asked.call(request.name, version_of(request.version))
    version = parts.pipeline.by_version(call, lambda served: served)
    told = model_metadata(version, parts.registry.model(request.name, asked.deadline).view)
    return messages.ModelMetadataResponse(**told.model_dump(exclude={"signatures"}))


def _infer(parts: Parts, request: Any, asked: Asked) -> Any:
    with asked.trace.stage("decode"):
        infer = read_message(request)
    answer = parts.pipeline.predict(asked.call(request.model_name, version_of(request.model_version)), infer.call)
    with asked.trace.stage("postprocess"):
        version = answer.version
        outputs = outputs_of(answer.response, infer.call, version.manifest)
        return write_message(infer, version.model, version.number, outputs)


def _failed(body: bytes, refused: Refusal) -> Any:
    """The stream goes on; the answer says which request it is for, where that could be read."""
    response = messages.ModelStreamInferResponse(error_message=refused.detail)
    with suppress(DecodeError):
        response.infer_response.id = messages.ModelInferRequest.FromString(body).id
    return response


def _not_offered(name: str) -> Rpc:
    def refuse(_request: Any, _asked: Asked) -> Any:
        raise NotOfferedError(name, "the gateway answers the Open Inference Protocol, and ModelStreamInfer")

    method = Method(INFERENCE_SERVICE, name, messages.ServerLiveRequest, messages.ServerLiveResponse)
    return Rpc(method, _DIALECT, refuse, work=False)
