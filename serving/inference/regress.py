"""Regress: examples in, a number for each of them out."""

from typing import Any

from serving.errors import Code, RequestError
from serving.inference.call import Call, signature_name
from serving.inference.checks import INPUTS, check_input_name, check_one_input, dtype_name, shape, signature_of
from serving.inference.examples import examples
from serving.inference.methods import REGRESS
from wire import dtypes, messages
from wire.tensors import Array

_OUTPUTS = "outputs"


def regress(call: Call, request: Any) -> Any:
    """`RegressionRequest` to `RegressionResponse`.

    Raises:
        RequestError: with TensorFlow Serving's codes and texts.
    """
    name = signature_name(request.model_spec)
    signature = signature_of(call, name, REGRESS)
    check_regressor(signature)
    response = messages.RegressionResponse()
    write_values(call, name, examples(request.input), response.result)
    call.name(response.model_spec, name)
    return response


def check_regressor(signature: Any) -> None:
    """Whether Regress can ask this signature.

    Raises:
        RequestError: it cannot.
    """
    check_one_input(signature)
    if len(signature.outputs) != 1:
        raise _invalid("Expected one output Tensor.")
    check_input_name(signature, "regression")
    if _OUTPUTS not in signature.outputs:
        raise RequestError(Code.FAILED_PRECONDITION, f"No regression outputs found in SignatureDef: {signature}")


def write_values(call: Call, name: str, given: Array, into: Any) -> None:
    """Fills a `RegressionResult` from a signature that Regress can ask."""
    (values,) = call.run(name, {INPUTS: given}, [_OUTPUTS])
    if values.ndim != 1 and values.shape[1:] != (1,):
        raise _invalid(
            f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {shape(values)}"
        )
    if len(values) != len(given):
        raise _invalid(f"Input batch size did not match output batch size: {len(given)} vs. {len(values)}")
    if dtypes.of_numpy(values.dtype) is not dtypes.FLOAT:
        raise _invalid(f"Expected output Tensor of DT_FLOAT.  Got: {dtype_name(values)}")
    for value in values.ravel().tolist():
        into.regressions.add(value=value)


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
