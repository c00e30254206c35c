"""The signatures of a version that callers may ask themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.backend import Backend
from gateway.deadline import Deadline
from gateway.errors import BrokenAnswerError, RejectedError
from gateway.tensors import PRIVATE_SIGNATURES
from gateway.version import ServedVersion
from wire import messages
from wire.methods import GET_MODEL_METADATA

_FIELD = "signature_def"


@dataclass(frozen=True)
class Signatures:
    """`metadata` is a `GetModelMetadataResponse` of no others than these; each is a `SignatureDef`."""

    metadata: Any
    by_name: Mapping[str, Any]


def read_signatures(backend: Backend, version: ServedVersion, deadline: Deadline) -> Signatures:
    """The version's signatures as the model server tells them.

    Raises:
        GatewayError: the server could not be asked.
    """
    request = messages.GetModelMetadataRequest(metadata_field=[_FIELD])
    request.model_spec.name, request.model_spec.version.value = version.model, version.number
    try:
        response = backend.ask(GET_MODEL_METADATA, request, version.model, version.number, deadline)
    except RejectedError as exc:  # the message is ours: the caller is not at fault
        raise BrokenAnswerError(f"the model server does not tell the signatures of {version.model}") from exc
    if response.model_spec.version.value != version.number:
        raise BrokenAnswerError(f"the model server told no signatures of {version.model} version {version.number}")
    return Signatures(response, dict(hide_private(response).signature_def))


def hide_private(response: Any) -> Any:
    """The `SignatureDefMap` of a `GetModelMetadataResponse`, in which nothing else is left."""
    told = messages.SignatureDefMap()
    if response.metadata[_FIELD].Unpack(told):
        for name in PRIVATE_SIGNATURES:
            told.signature_def.pop(name, None)
    response.metadata[_FIELD].Pack(told)
    return told
