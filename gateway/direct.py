"""Versions asked by their own signatures, as TensorFlow Serving's clients do."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from grpc import StatusCode

from gateway.backend import Backend
from gateway.call import Call
from gateway.errors import BrokenAnswerError, RejectedError
from gateway.kept import Kept
from gateway.message import Message
from gateway.pipeline import Pipeline
from gateway.routing.turn import Turn
from gateway.settings import Limits
from gateway.signatures import Signatures, read_signatures
from gateway.tensors import check_content
from gateway.version import ServedVersion
from wire import messages
from wire.errors import TensorError
from wire.methods import DEFAULT_SIGNATURE, PREDICT
from wire.shapes import bound_shapes, rank_fault
from wire.tensors import Array, from_proto, write_proto

# The `SignatureDef` that is asked, None if there is none of that name, to the tensors that the caller sent for it, of
# no more rows than the limits have items.
Read = Callable[[Any, Limits], Mapping[str, Array]]


class Direct:
    """Asks the version that a call chooses, checked as ever. Safe to share between threads.

    What of the tensors fits the signature is left to who reads them and to the graph, as TensorFlow Serving does; what
    `gateway.tensors` asks of them is more.
    """

    def __init__(self, pipeline: Pipeline, backend: Backend, limits: Limits) -> None:
        self._pipeline = pipeline
        self._limits = limits
        self._signatures = Kept(backend, partial(read_signatures, backend))

    def predict(self, call: Call, signature: str, read: Read) -> dict[str, Array]:
        """A signature's outputs by alias, in their order.

        Raises:
            RejectedError: the model server finds fault with the tensors.
            GatewayError: see `gateway.refusals`.
            Whatever `read` raises.
        """
        return self._pipeline.dealt(call, lambda turn, version: self._predict(turn, version, signature, read))

    def metadata(self, call: Call) -> Any:
        """The `GetModelMetadataResponse` about the signatures that callers may ask.

        Raises:
            GatewayError: see `gateway.refusals`.
        """
        return self._pipeline.by_version(call, lambda version: self._told(call, version).metadata)

    def _told(self, call: Call, version: ServedVersion) -> Signatures:
        return self._signatures.of(version, call.deadline)

    def _predict(self, turn: Turn, version: ServedVersion, name: str, read: Read) -> dict[str, Array]:
        call, limits = turn.call, turn.limits or self._limits
        signature = self._told(call, version).by_name.get(name or DEFAULT_SIGNATURE)
        with call.trace.stage("preprocess"):
            request = _request(version, name, signature, read(signature, limits), limits)
            call.deadline.remaining_s()
        message = Message(PREDICT, request, (request.model_spec,), attrgetter("model_spec"), tensor_content=True)
        outputs = self._pipeline.send(call, message, version).response.outputs
        try:
            return {alias: from_proto(outputs[alias]) for alias in sorted(outputs)}
        except TensorError as exc:
            raise BrokenAnswerError(f"{version.model} answered a tensor that cannot be read: {exc}") from exc


def _request(version: ServedVersion, name: str, signature: Any, inputs: Mapping[str, Array], limits: Limits) -> Any:
    """A `PredictRequest`, within the limits."""
    if fault := rank_fault(bound_shapes(signature), inputs):
        raise RejectedError(StatusCode.INVALID_ARGUMENT, fault)
    request = messages.PredictRequest()
    request.model_spec.signature_name = name
    for alias, array in inputs.items():
        write_proto(array, request.inputs[alias])
        check_content(alias, request.inputs[alias], version.manifest, limits)
    return request
