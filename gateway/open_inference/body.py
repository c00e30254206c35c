"""The body of REST's infer: JSON, and behind it the tensors that it leaves out, as binary data."""

from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator

from gateway import shown
from gateway.body import malformed
from gateway.errors import InvalidTensorsError, MalformedBodyError
from gateway.open_inference.parameters import check_parameters, flag, wanted_signature
from gateway.open_inference.tensors import Input, Output
from gateway.tensors import MOST_TENSORS, TensorCall
from wire import messages

LENGTH_HEADER = "Inference-Header-Content-Length"

_SIZE = "binary_data_size"

# Of a request. A list is given up at its first fault: millions of them would be noted otherwise, though one is told.
_MOST_DIMENSIONS = 254

Parameters = Annotated[dict[str, Any], Field(default_factory=dict)]


class _Document(BaseModel):
    """Fields that are not known are not looked at, as the protocol has it. One that is null is as if it were not there:
    so some clients write that they have nothing for it.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, document: object) -> object:
        if not isinstance(document, dict):
            return document
        return {field: value for field, value in document.items() if value is not None}


class InferInput(_Document):
    """One input: `data` flat or nested as its shape is, or the parameter `binary_data_size` and its bytes behind the
    JSON.
    """

    name: str
    shape: Annotated[list[int], Field(max_length=_MOST_DIMENSIONS), FailFast()]
    datatype: str
    parameters: Parameters
    data: Any = None


class InferOutput(_Document):
    """An output that is asked for; with the parameter `binary_data` as bytes behind the answer's JSON."""

    name: str
    parameters: Parameters


class InferRequest(_Document):
    """Tensors for one of a version's signatures: that of the parameter `signature`, else that whose inputs have these
    names. Without `outputs` all of them are answered, as bytes with the parameter `binary_data_output`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "42",
                    "inputs": [{"name": "token_ids", "shape": [1, 3], "datatype": "INT32", "data": [2, 3, 4]}],
                    "outputs": [{"name": "probabilities"}],
                }
            ]
        }
    )

    id: str = ""
    parameters: Parameters
    inputs: Annotated[list[InferInput], Field(max_length=MOST_TENSORS), FailFast()]
    outputs: Annotated[list[InferOutput], Field(max_length=MOST_TENSORS), FailFast()] = Field(default_factory=list)


class InferAnswerOutput(BaseModel):
    """One output: `data` flat, or the parameter `binary_data_size` and its bytes behind the JSON."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] | None = None
    data: list[bool | int | float | str | None] | None = None


class InferAnswer(BaseModel):
    """The outputs, and the version that they are from."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[InferAnswerOutput]


@dataclass(frozen=True)
class Infer:
    """A request that was read, and in which form its answer goes."""

    id: str
    call: TensorCall
    binary: frozenset[str] | None  # of outputs; None: all


def read_infer(body: bytes, header_length: str | None) -> Infer:
    """The request in a body; `header_length` is the value of `LENGTH_HEADER`, None where it is all JSON.

    Raises:
        MalformedBodyError: not JSON, not a request, or not cut as it says.
        InvalidTensorsError: a tensor that is not what it says, or a parameter that is not offered.
    """
    head, binary = _parted(body, header_length)
    document = _document(head)
    check_parameters(document.parameters)
    request = messages.PredictRequest()
    rest = memoryview(binary)
    for given in document.inputs:
        check_parameters(given.parameters)
        if given.name in request.inputs:
            raise InvalidTensorsError(f"the input {shown.name(given.name)} stands twice in the request")
        tensor = Input(given.name, given.datatype, given.shape, request.inputs[given.name])
        rest = _write(given, tensor, rest)
    if rest:
        raise MalformedBodyError(f"{len(rest)} bytes are left behind the binary data of all inputs")
    names = tuple(output.name for output in document.outputs)
    call = TensorCall(request, wanted_signature(document.parameters), names, tensor_content=True)
    return Infer(document.id, call, _binary(document))


def write_answer(infer: Infer, model: str, version: int, outputs: list[Output]) -> tuple[bytes, int | None]:
    """The body of an answer, and where it has binary data, how much of it is JSON.

    Raises:
        InvalidTensorsError: bytes that are no text were asked for as JSON.
    """
    told, parts = [], []
    for output in outputs:
        line: dict[str, Any] = {"name": output.name, "datatype": output.datatype.name, "shape": output.shape}
        if infer.binary is None or output.name in infer.binary:
            parts.append(output.memory())
            line["parameters"] = {_SIZE: len(parts[-1])}
        else:
            line["data"] = output.values()
        told.append(line)
    document = {"model_name": model, "model_version": str(version), "outputs": told}
    if infer.id:
        document["id"] = infer.id
    head = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return b"".join((head, *parts)), len(head) if parts else None


def _parted(body: bytes, header_length: str | None) -> tuple[bytes, bytes]:
    if header_length is None:
        return body, b""
    if not (header_length.isascii() and header_length.isdigit() and len(header_length) < 12):
        raise MalformedBodyError(f"the header {LENGTH_HEADER} is no number of bytes")
    length = int(header_length)
    if length > len(body):
        raise MalformedBodyError(f"the header {LENGTH_HEADER} says {length} bytes of JSON; the body has {len(body)}")
    return body[:length], body[length:]


def _document(head: bytes) -> InferRequest:
    try:
        document = orjson.loads(head)
    except orjson.JSONDecodeError as exc:
        raise malformed(head, exc, '{"inputs": […]}') from exc
    try:
        return InferRequest.model_validate(document)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise MalformedBodyError(f"{where}: {first['msg']}") from exc


def _write(given: InferInput, tensor: Input, binary: memoryview) -> memoryview:
    """Writes a tensor; returns the binary data that is left behind it."""
    size = given.parameters.get(_SIZE)
    if size is None:
        tensor.write_json(given.data)
        return binary
    if given.data is not None:
        raise InvalidTensorsError(f"input {shown.name(given.name)} has data and {_SIZE}; expected one of them")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidTensorsError(f"input {shown.name(given.name)} has a {_SIZE} that is no number of bytes")
    if size > len(binary):
        raise MalformedBodyError(
            f"input {shown.name(given.name)} has the {_SIZE} {size}; {len(binary)} bytes are left behind the JSON, "
            f"whose length the header {LENGTH_HEADER} says"
        )
    tensor.write_memory(bytes(binary[:size]))
    return binary[size:]


def _binary(document: InferRequest) -> frozenset[str] | None:
    default = flag(document.parameters, "binary_data_output", default=False)
    if not document.outputs:
        return None if default else frozenset()
    for output in document.outputs:
        check_parameters(output.parameters)
    return frozenset(
        output.name for output in document.outputs if flag(output.parameters, "binary_data", default=default)
    )
