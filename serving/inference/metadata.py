"""GetModelMetadata: the signatures of a version."""

from typing import Any

from serving.errors import Code, RequestError
from serving.servable import Servable
from wire import messages

_SIGNATURE_DEF = "signature_def"


def check_fields(request: Any) -> None:
    """Raises `RequestError` for a `GetModelMetadataRequest` that asks for something else than signatures."""
    if not request.metadata_field:
        raise RequestError(Code.INVALID_ARGUMENT, "GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != _SIGNATURE_DEF:
            raise RequestError(Code.INVALID_ARGUMENT, f"Metadata field {field} is not supported")


def metadata(servable: Servable) -> Any:
    """The `GetModelMetadataResponse`; its `model_spec` names no signature, since it is about all of them."""
    found = messages.SignatureDefMap()
    for name, signature in servable.runtime.signatures.items():
        found.signature_def[name].CopyFrom(signature)
    response = messages.GetModelMetadataResponse()
    response.model_spec.name, response.model_spec.version.value = servable.model, servable.version
    response.metadata[_SIGNATURE_DEF].Pack(found)
    return response
