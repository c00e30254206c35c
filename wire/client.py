"""A client of any model server that speaks TensorFlow Serving's gRPC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
from grpc.experimental import ChannelOptions

from wire import messages
from wire.errors import InterruptedCallError, ModelServerError, UnreachableError
from wire.interrupt import Interrupt
from wire.methods import (
    CLASSIFY,
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    LIST_MODELS,
    MULTI_INFERENCE,
    PREDICT,
    REGRESS,
    TENSOR_CONTENT_KEY,
    Method,
)
from wire.tensors import Array, from_proto, write_proto
from wire.tracing import Metadata

_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
# Reconnect within a second: a restarted model server must not wait for gRPC's default backoff of up to two minutes.
_RECONNECT = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000)]

# A stream's events are taken by the thread that reads it, not handed over by another one.
_BY_ITS_CALLER = (ChannelOptions.SingleThreadedUnaryStream, 1)

_NO_LABEL = "Unrecognized servable version label"  # TensorFlow Serving's words

_METHODS = (PREDICT, CLASSIFY, REGRESS, MULTI_INFERENCE, GET_MODEL_METADATA, GET_MODEL_STATUS, LIST_MODELS)

# To servers that do not know it, it says nothing; those answer with typed values.
_TENSOR_CONTENT = ((TENSOR_CONTENT_KEY, "1"),)


@dataclass(frozen=True)
class Prediction:
    """What Predict answered, and which version answered it."""

    outputs: dict[str, Array]
    version: int


@dataclass(frozen=True)
class VersionStatus:
    """One line of GetModelStatus: `state` is UNKNOWN, START, LOADING, AVAILABLE, UNLOADING or END; `code` that of the
    error.
    """

    version: int
    state: str
    error: str | None
    code: int = 0


class ModelServerClient:
    """One channel to a model server. Safe to share between threads; close it, or use it as a context manager.

    Every method raises `ModelServerError` (see `wire.errors`) when the call fails. An `interrupt` ends it from another
    thread; `close` ends all calls: they fail as if nobody answered.
    """

    def __init__(self, target: str, context: Callable[[], Metadata] = tuple) -> None:
        """`context` is asked at each call what metadata it brings besides, see `wire.tracing`."""
        self._context = context
        self._closed = False
        self._channel = grpc.insecure_channel(target, options=[*_UNLIMITED, *_RECONNECT, _BY_ITS_CALLER])
        self._calls = {
            method: self._channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            for method in _METHODS
        }
        # The same calls as streams of one message: a tenth slower, and they can be ended; a future is twice as slow.
        self._streams = {
            method: self._channel.unary_stream(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
            for method in _METHODS
        }

    def predict(
        self,
        model: str,
        inputs: Mapping[str, Array],
        *,
        timeout_s: float,
        version: int | None = None,
        signature: str = "serving_default",
        interrupt: Interrupt | None = None,
    ) -> Prediction:
        """Runs a signature on named tensors. `version` None means the newest that is available."""
        request = messages.PredictRequest(model_spec=_spec(model, version, signature))
        for name, array in inputs.items():
            write_proto(array, request.inputs[name])
        response = self.ask(PREDICT, request, timeout_s=timeout_s, tensor_content=True, interrupt=interrupt)
        outputs = {name: from_proto(proto) for name, proto in response.outputs.items()}
        return Prediction(outputs, response.model_spec.version.value)

    def status(self, model: str, *, timeout_s: float) -> list[VersionStatus]:
        """All versions the server knows of `model`, as it orders them."""
        request = messages.GetModelStatusRequest(model_spec=_spec(model))
        response = self.ask(GET_MODEL_STATUS, request, timeout_s=timeout_s)
        state_name = messages.ModelVersionStatus.State.Name
        return [
            VersionStatus(
                line.version,
                state_name(line.state),
                line.status.error_message if line.status.error_code else None,
                line.status.error_code,
            )
            for line in response.model_version_status
        ]

    def models(self, *, timeout_s: float) -> list[str]:
        """Names of the models served; UNIMPLEMENTED on a stock TensorFlow Serving."""
        return list(self.labels(timeout_s=timeout_s))

    def labels(self, *, timeout_s: float) -> dict[str, dict[str, int]]:
        """The version of each label of each model served; UNIMPLEMENTED on a stock TensorFlow Serving."""
        response = self.ask(LIST_MODELS, messages.ListModelsRequest(), timeout_s=timeout_s)
        return {model.name: dict(model.version_labels) for model in response.models}

    def labelled(self, model: str, label: str, *, timeout_s: float) -> int | None:
        """The version that answers requests by `label`, None if the model has no such label. Runs nothing.

        Raises:
            NotServedError: the label is on a version that is not loaded.
        """
        request = messages.GetModelMetadataRequest(model_spec=_spec(model), metadata_field=["signature_def"])
        request.model_spec.version_label = label
        try:
            version: int = self.ask(GET_MODEL_METADATA, request, timeout_s=timeout_s).model_spec.version.value
        except ModelServerError as exc:
            if exc.code is grpc.StatusCode.INVALID_ARGUMENT and exc.details.startswith(_NO_LABEL):
                return None
            raise
        return version

    def ask(
        self,
        method: Method,
        request: Any,
        *,
        timeout_s: float,
        tensor_content: bool = False,
        interrupt: Interrupt | None = None,
    ) -> Any:
        """The response to a message as it is. `tensor_content` asks for that instead of typed values, in Predict."""
        metadata = (*(_TENSOR_CONTENT if tensor_content else ()), *self._context())
        try:
            if interrupt is None:
                return self._calls[method](request, timeout=timeout_s, metadata=metadata)
            stream = self._streams[method](request, timeout=timeout_s, metadata=metadata)
            with interrupt.ending(stream.cancel):
                received = list(stream)
            if len(received) != 1:
                raise ModelServerError(grpc.StatusCode.INTERNAL, f"{len(received)} messages, expected one")
            return received[0]
        except (grpc.RpcError, ValueError) as exc:
            if self._closed:
                raise UnreachableError(grpc.StatusCode.UNAVAILABLE, "the channel was closed") from exc
            if interrupt is not None and interrupt.fired:
                raise InterruptedCallError(grpc.StatusCode.CANCELLED, "interrupted here") from exc
            if isinstance(exc, grpc.RpcError):
                raise ModelServerError.of(exc) from exc
            raise

    def close(self) -> None:
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _spec(model: str, version: int | None = None, signature: str = "") -> Any:
    spec = messages.ModelSpec(name=model, signature_name=signature)
    if version is not None:
        spec.version.value = version
    return spec
