"""The dataplane: what the server answers, apart from how it travels. gRPC and REST are thin skins over it.

Codes and texts are TensorFlow Serving's. One decision differs: numeric outputs travel as `tensor_content`, 80 to 300
times faster to write and read than the typed fields of a stock server; every client library decodes both.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from serving.errors import Code, RequestError
from serving.manager import Manager, Servable, VersionStatus
from wire import messages
from wire.errors import TensorError
from wire.tensors import Array, from_proto, write_proto

DEFAULT_SIGNATURE = "serving_default"

_SIGNATURE_DEF = "signature_def"
_FREE_RANK = 2  # dimensions up to which the graph alone judges a shape


class Dataplane:
    """Answers requests from the versions a manager holds. Thread-safe; every method raises `RequestError`."""

    def __init__(self, manager: Manager, polled: threading.Event) -> None:
        """`polled` is set once the manager has been told everything that the store holds."""
        self._manager = manager
        self._polled = polled

    @contextmanager
    def use(self, spec: Any) -> Iterator[Servable]:
        """The version a `ModelSpec` names, kept loaded inside the `with` block."""
        if not spec.name:
            raise RequestError(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        if spec.WhichOneof("version_choice") == "version_label":  # no version has a label yet
            label = spec.version_label
            raise RequestError(Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}")
        with self._manager.use(spec.name, _version(spec)) as servable:
            yield servable

    def predict(self, request: Any, timeout_s: float | None) -> Any:
        """`PredictRequest` to `PredictResponse`."""
        with self.use(_spec(request)) as servable:
            name = request.model_spec.signature_name or DEFAULT_SIGNATURE
            signature = servable.runtime.signatures.get(name)
            if signature is None:
                raise RequestError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
            check_inputs(signature, request.inputs)
            inputs = {alias: _decoded(alias, proto) for alias, proto in request.inputs.items()}
            outputs = _run(servable, name, inputs, list(request.output_filter), timeout_s)
            response = messages.PredictResponse()
            _name_version(response.model_spec, servable)
            response.model_spec.signature_name = name
        for alias, array in outputs.items():
            _write(alias, array, response.outputs[alias])
        return response

    def predict_arrays(
        self, servable: Servable, signature_name: str, inputs: Mapping[str, Array], timeout_s: float | None
    ) -> dict[str, Array]:
        """All outputs of a signature that exists, for inputs that fit it in name and dtype."""
        check_inputs(servable.runtime.signatures[signature_name], inputs)
        return _run(servable, signature_name, inputs, [], timeout_s)

    def metadata(self, request: Any) -> Any:
        """`GetModelMetadataRequest` to `GetModelMetadataResponse`."""
        spec = _spec(request)
        if not request.metadata_field:
            raise RequestError(
                Code.INVALID_ARGUMENT, "GetModelMetadataRequest must specify at least one metadata_field"
            )
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise RequestError(Code.INVALID_ARGUMENT, f"Metadata field {field} is not supported")
        with self.use(spec) as servable:
            response = messages.GetModelMetadataResponse()
            _name_version(response.model_spec, servable)
            found = messages.SignatureDefMap()
            for name, signature in servable.runtime.signatures.items():
                found.signature_def[name].CopyFrom(signature)
        response.metadata[_SIGNATURE_DEF].Pack(found)
        return response

    def status(self, request: Any) -> Any:
        """`GetModelStatusRequest` to `GetModelStatusResponse`, versions highest first. A label is ignored."""
        spec = _spec(request)
        version = _version(spec)
        found = [line for line in self._manager.statuses(spec.name) if version in (None, line.version)]
        if not found:
            what = "any versions" if version is None else f"version {version}"
            raise RequestError(Code.NOT_FOUND, f"Could not find {what} of model {spec.name}")
        return messages.GetModelStatusResponse(model_version_status=[_status_line(line) for line in found])

    def models(self) -> list[str]:
        """Names of the models the store has or the server still holds, sorted; never those found so far."""
        if not self._polled.is_set():
            raise RequestError(Code.UNAVAILABLE, "The store has not been read yet")
        return self._manager.models()


def check_inputs(signature: Any, sent: Iterable[str]) -> None:
    """The inputs sent must be the signature's, by name; `SignatureDef.defaults` stand for absent ones."""
    names, expected, defaults = set(sent), set(signature.inputs), set(signature.defaults)
    if len(names) > len(expected) or (len(names) < len(expected) and not defaults):
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"input size does not match signature: {len(names)}!={len(expected)} len({_set(names)}) != "
            f"len({_set(expected)}). Sent extra: {_set(names - expected)}. "
            f"Missing but required: {_set(expected - names)}.",
        )
    for alias in sorted(expected - names - defaults):
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"Signature input alias: {alias}(feed name: {signature.inputs[alias].name}) not found in request and no "
            f"default value provided. Inputs expected to be in the request {_set(names)}, or default input alias set: "
            f"{_set(defaults)}",
        )
    if names - expected:
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"Inputs contains invalid name. Used request inputs: {_set(names & expected)}, "
            f"request input: {_set(names)}",
        )


def _run(
    servable: Servable,
    signature_name: str,
    inputs: Mapping[str, Array],
    output_filter: list[str],
    timeout_s: float | None,
) -> dict[str, Array]:
    """The outputs by alias, those of the filter or all."""
    signature = servable.runtime.signatures[signature_name]
    _check_ranks(signature, inputs)
    _check_outputs(signature, output_filter)
    aliases = output_filter or sorted(signature.outputs)
    arrays = servable.runtime.run(signature_name, inputs, aliases, timeout_s)
    return dict(zip(aliases, arrays, strict=True))


def _check_ranks(signature: Any, inputs: Mapping[str, Array]) -> None:
    """Pictures and the like must have their number of dimensions.

    TensorFlow Serving leaves every shape to the graph, and so do we up to matrices: its clients send scalars and rows
    where `[-1, n]` is declared. But convolutions trust the rank: oneDNN's kernels end the process over a wrong one.
    """
    for alias, array in inputs.items():
        shape = signature.inputs[alias].tensor_shape
        if len(shape.dim) > _FREE_RANK and array.ndim != len(shape.dim):
            raise RequestError(
                Code.INVALID_ARGUMENT,
                f"input {alias} has shape {list(array.shape)}; expected {len(shape.dim)} dimensions, "
                f"{[dim.size for dim in shape.dim]} with -1 for any size",
            )


def _check_outputs(signature: Any, output_filter: list[str]) -> None:
    seen = set()
    for alias in output_filter:
        if alias not in signature.outputs:
            raise RequestError(
                Code.INVALID_ARGUMENT,
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{_set(signature.outputs)}.",
            )
        if alias in seen:
            raise RequestError(Code.INVALID_ARGUMENT, f"duplicate output tensor alias: {alias}")
        seen.add(alias)


def _decoded(alias: str, proto: Any) -> Array:
    try:
        return from_proto(proto)
    except TensorError as exc:
        raise RequestError(Code.INVALID_ARGUMENT, f"tensor parsing error: {alias}") from exc


def _write(alias: str, array: Array, into: Any) -> None:
    try:
        write_proto(array, into)
    except TensorError as exc:
        raise RequestError(Code.UNIMPLEMENTED, f"output {alias} has no wire form: {exc}") from exc


def _spec(request: Any) -> Any:
    if not request.HasField("model_spec"):
        raise RequestError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
    return request.model_spec


def _version(spec: Any) -> int | None:
    return spec.version.value if spec.HasField("version") else None


def _name_version(spec: Any, servable: Servable) -> None:
    spec.name = servable.model
    spec.version.value = servable.version


def _status_line(line: VersionStatus) -> Any:
    message = messages.ModelVersionStatus(version=line.version, state=int(line.state))
    message.status.SetInParent()
    if line.error is not None:
        message.status.error_code, message.status.error_message = int(line.error.code), line.error.message
    return message


def _set(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
