"""The messages of gRPC's ModelInfer: in which form the inputs come, in that the outputs go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import InvalidTensorsError
from gateway.open_inference.datatypes import BYTES
from gateway.open_inference.parameters import check_parameters, wanted_signature
from gateway.open_inference.tensors import Input, Output
from gateway.tensors import TensorCall
from wire import messages


@dataclass(frozen=True)
class InferMessage:
    """A request that was read."""

    id: str
    call: TensorCall
    raw: bool


def read_message(request: Any) -> InferMessage:
    """Raises `InvalidTensorsError` for a tensor that is not what it says, or a parameter that is not offered."""
    parameters = _values(request.parameters)
    check_parameters(parameters)
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidTensorsError(
            f"{len(raw)} raw_input_contents for {len(request.inputs)} inputs; expected one of each"
        )
    predict = messages.PredictRequest()
    for position, given in enumerate(request.inputs):
        check_parameters(_values(given.parameters))
        if given.name in predict.inputs:
            raise InvalidTensorsError(f"the input {given.name!r} stands twice in the request")
        tensor = Input(given.name, given.datatype, given.shape, predict.inputs[given.name])
        if not raw:
            tensor.write_contents(given.contents)
        elif given.HasField("contents"):
            raise InvalidTensorsError(
                f"input {given.name!r} has contents beside raw_input_contents; expected one of them"
            )
        else:
            tensor.write_memory(raw[position])
    for output in request.outputs:
        check_parameters(_values(output.parameters))
    names = tuple(output.name for output in request.outputs)
    call = TensorCall(predict, wanted_signature(parameters), names, tensor_content=True)
    return InferMessage(request.id, call, raw=bool(raw))


def write_message(infer: InferMessage, model: str, version: int, outputs: list[Output]) -> Any:
    """The `ModelInferResponse`. 16-bit floats have no typed field: with one of them all outputs go as memory."""
    response = messages.ModelInferResponse(model_name=model, model_version=str(version), id=infer.id)
    raw = infer.raw or any(output.datatype.contents is None for output in outputs)
    for output in outputs:
        told = response.outputs.add(name=output.name, datatype=output.datatype.name, shape=output.shape)
        if raw:
            response.raw_output_contents.append(output.memory())
        elif output.datatype is BYTES:
            told.contents.bytes_contents.extend(output.elements())
        else:
            getattr(told.contents, str(output.datatype.contents)).extend(output.values().tolist())
    return response


def _values(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters in Python; one without a value is None."""
    found = {}
    for name, parameter in parameters.items():
        choice = parameter.WhichOneof("parameter_choice")
        found[name] = getattr(parameter, choice) if choice else None
    return found
