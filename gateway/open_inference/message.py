"""The messages of gRPC's ModelInfer: in which form the inputs come, in that the outputs go."""

from dataclasses import dataclass
from typing import Any

from gateway import shown
from gateway.errors import InvalidTensorsError
from gateway.open_inference.datatypes import BYTES
from gateway.open_inference.parameters import SIGNATURE, check_parameters, wanted_signature
from gateway.open_inference.tensors import Input, Output
from gateway.tensors import TensorCall, check_count
from wire import messages


@dataclass(frozen=True)
class InferMessage:
    """A request that was read."""

    id: str
    call: TensorCall
    raw: bool


def read_message(request: Any) -> InferMessage:
    """The request in a message.

    Raises:
        OverLimitError: more inputs or outputs than are accepted.
        InvalidTensorsError: a tensor that is not what it says, or a parameter that is not offered.
    """
    check_count("inputs", request.inputs)
    check_count("outputs", request.outputs)
    check_parameters(request.parameters)
    raw = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        raise InvalidTensorsError(
            f"{len(raw)} raw_input_contents for {len(request.inputs)} inputs; expected one of each"
        )
    predict = messages.PredictRequest()
    for position, given in enumerate(request.inputs):
        check_parameters(given.parameters)
        if given.name in predict.inputs:
            raise InvalidTensorsError(f"the input {shown.name(given.name)} stands twice in the request")
        tensor = Input(given.name, given.datatype, given.shape, predict.inputs[given.name])
        if not raw:
            tensor.write_contents(given.contents)
        elif given.HasField("contents"):
            raise InvalidTensorsError(
                f"input {shown.name(given.name)} has contents beside raw_input_contents; expected one of them"
            )
        else:
            tensor.write_memory(raw[position])
    for output in request.outputs:
        check_parameters(output.parameters)
    names = tuple(output.name for output in request.outputs)
    call = TensorCall(predict, wanted_signature(_signature(request)), names, tensor_content=True)
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


def _signature(request: Any) -> dict[str, Any]:
    """The parameter in Python, if it is there: the others, of which there may be millions, are not looked at."""
    if SIGNATURE not in request.parameters:
        return {}
    parameter = request.parameters[SIGNATURE]
    choice = parameter.WhichOneof("parameter_choice")
    return {SIGNATURE: getattr(parameter, choice) if choice else None}
