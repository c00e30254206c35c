"""A client of any model server that speaks TensorFlow Serving's gRPC, or ours on the same host."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc

from wire import messages
from wire.errors import InterruptedCallError, ModelServerError
from wire.interrupt import Interrupt
from wire.local.channel import SCHEME, LocalChannel
from wire.methods import (
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    LIST_MODELS,
    PREDICT,
    TENSOR_CONTENT_KEY,
    Method,
)
from wire.rpc.channel import GrpcChannel
from wire.tensors import Array, from_proto, write_proto
from wire.tracing import Metadata

_NO_LABEL = "Unrecognized servable version label"  # TensorFlow Serving's words

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
        """`target` is an address of gRPC, or `local:` and the path of a socket; `context` is asked at each call what
        metadata it brings besides, see `wire.tracing`.
        """
        local = target.startswith(SCHEME)
        self._channel = LocalChannel(target.removeprefix(SCHEME)) if local else GrpcChannel(target)
        self._context = context

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
            return self._channel.ask(method, request, timeout_s=timeout_s, metadata=metadata, interrupt=interrupt)
        except ModelServerError as exc:
            if interrupt is not None and interrupt.fired:
                raise InterruptedCallError(grpc.StatusCode.CANCELLED, "interrupted here") from exc
            raise

    def close(self) -> None:
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
