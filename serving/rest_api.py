"""The REST interface apart from HTTP: method, target and body in, status and JSON out."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from google.protobuf.json_format import MessageToDict

from serving import rest_tensors
from serving.dataplane import DEFAULT_SIGNATURE, Dataplane
from serving.errors import Code, RequestError
from serving.manager import Servable
from serving.rest_json import parse, quote, show, tensor_text
from store.layout import INT64_MAX
from wire import messages
from wire.tensors import Array

_MODEL = r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(_MODEL + ":predict", re.IGNORECASE | re.ASCII)
_STATUS = re.compile(_MODEL, re.IGNORECASE | re.ASCII)
_METADATA = re.compile(_MODEL + "/metadata", re.IGNORECASE | re.ASCII)

_INT64_DIGITS = 4000  # more than these Python does not convert; leading zeros are fine

_HTTP = {
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True)
class Answer:
    """An HTTP status and a JSON document."""

    status: int
    body: bytes

    @classmethod
    def of(cls, status: int, text: str) -> "Answer":
        return cls(status, text.encode(errors="surrogateescape"))


class RestApi:
    """Answers REST requests. Thread-safe."""

    def __init__(self, dataplane: Dataplane, *, timeout_s: float) -> None:
        """`timeout_s` limits each run of a signature."""
        self._dataplane = dataplane
        self._timeout_s = timeout_s
        self._routes: Sequence[tuple[str, re.Pattern[str], Callable[[Any, bytes], str]]] = (
            ("POST", _PREDICT, self._predict),
            ("GET", _STATUS, self._status),
            ("GET", _METADATA, self._metadata),
            ("GET", re.compile("/v1/models/?"), lambda _spec, _body: self._models()),
        )

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """`target` is the path with its query string, as sent; no query string is part of the interface."""
        try:
            for verb, pattern, handler in self._routes:
                if method == verb and (match := pattern.fullmatch(target)):
                    return Answer.of(200, handler(_model_spec(match), body))
            raise RequestError(Code.INVALID_ARGUMENT, f"Malformed request: {method} {target}")
        except RequestError as exc:
            return error(_HTTP.get(exc.code, 500), exc.message)

    def _predict(self, spec: Any, body: bytes) -> str:
        document = parse(body)
        name = document.get("signature_name", "")
        if not isinstance(name, str):
            raise _invalid(
                f"JSON Value: {show(document)} not formatted correctly. 'signature_name' key must be a string value."
            )
        with self._dataplane.use(spec) as servable:
            inputs = _inputs(document, _input_dtypes(servable, name))
            outputs = self._dataplane.predict_arrays(servable, name or DEFAULT_SIGNATURE, inputs, self._timeout_s)
        return _predictions(outputs) if "instances" in document else _outputs(outputs)

    def _status(self, spec: Any, _body: bytes) -> str:
        return _pretty(_fields(self._dataplane.status(messages.GetModelStatusRequest(model_spec=spec))))

    def _metadata(self, spec: Any, _body: bytes) -> str:
        request = messages.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
        document = _fields(self._dataplane.metadata(request))
        del document["metadata"]["signature_def"]["@type"]
        return _pretty(document)

    def _models(self) -> str:
        """Every model with its versions. Ours: TensorFlow Serving cannot tell."""
        models = []
        for name in self._dataplane.models():
            status = self._dataplane.status(messages.GetModelStatusRequest(model_spec={"name": name}))
            models.append({"name": name, "versions": _fields(status)["model_version_status"]})
        return _pretty({"models": models})


def error(status: int, message: str) -> Answer:
    return Answer.of(status, f'{{\n    "error": {quote(message)}\n}}')


def _model_spec(match: re.Match[str]) -> Any:
    """The `ModelSpec` of a path; one of a path without a model is empty."""
    found = match.groupdict()
    if "model" not in found:
        return messages.ModelSpec()
    spec = messages.ModelSpec(name=_percent_decoded(found["model"]))
    if (digits := found["version"]) is not None:
        if len(digits) > _INT64_DIGITS or int(digits) > INT64_MAX:
            raise _invalid(f"Failed to convert version: {digits} to numeric.")
        spec.version.value = int(digits)
    elif found["label"] is not None:
        spec.version_label = _percent_decoded(found["label"])
    return spec


def _percent_decoded(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError as exc:
        raise _invalid(f"Malformed request: {part} is not percent-encoded UTF-8") from exc


def _input_dtypes(servable: Servable, signature_name: str) -> dict[str, int]:
    signature = servable.runtime.signatures.get(signature_name or DEFAULT_SIGNATURE)
    if signature is None:
        raise _invalid(f'Serving signature name: "{signature_name or DEFAULT_SIGNATURE}" not found in signature def')
    if not signature.inputs:
        raise _invalid(f"Failed to get input map for signature: {signature_name or 'DEFAULT'}")
    return {name: info.dtype for name, info in signature.inputs.items()}


def _inputs(document: dict[str, Any], dtypes: dict[str, int]) -> dict[str, Array]:
    """The tensors of a predict body: its `instances` row by row, or its `inputs` column by column."""
    if "instances" in document and "inputs" in document:
        raise _invalid(
            f"JSON Value: {show(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys "
            "to exist "
        )
    if "inputs" in document:
        return rest_tensors.columnar(document["inputs"], dtypes)
    if "instances" not in document:
        raise _invalid("Missing 'inputs' or 'instances' key")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise _invalid(f"JSON Value: {show(document)} Expecting 'instances' to be an list/array")
    if not instances:
        raise _invalid(f"JSON Value: {show(document)} No values in 'instances' array")
    return rest_tensors.rows(instances, dtypes)


def _predictions(outputs: dict[str, Array]) -> str:
    """`{"predictions": …}`: one element per row; objects by output name if there are several outputs."""
    batch: int | None = None
    for name, array in outputs.items():
        if not array.ndim:
            raise _invalid(f"Tensor name: {name} has no shape information ")
        if batch not in (None, len(array)):
            raise _invalid(f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {batch}")
        batch = len(array)
    columns = {name: tensor_text(name, array, rows=True) for name, array in outputs.items()}
    if len(columns) == 1:
        elements = next(iter(columns.values()))
    else:
        elements = [
            "{" + ", ".join(f"{quote(name)}: {text}" for name, text in zip(columns, row, strict=True)) + "}"
            for row in zip(*columns.values(), strict=True)
        ]
    lines = ",\n        ".join(elements)
    return f'{{\n    "predictions": [\n        {lines}\n    ]\n}}'


def _outputs(outputs: dict[str, Array]) -> str:
    """`{"outputs": …}`: the whole tensor, or an object of tensors by output name if there are several."""
    texts = {name: tensor_text(name, array, rows=False)[0] for name, array in outputs.items()}
    if len(texts) == 1:
        return f'{{\n    "outputs": {next(iter(texts.values()))}\n}}'
    lines = ",\n        ".join(f"{quote(name)}: {text}" for name, text in texts.items())
    return f'{{\n    "outputs": {{\n        {lines}\n    }}\n}}'


def _fields(message: Any) -> dict[str, Any]:
    """A message as JSON has it: protobuf's own names, defaults included, 64-bit numbers as strings."""
    return MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        descriptor_pool=messages.pool(),
    )


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=4, ensure_ascii=False)


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
