"""What Classify and Regress expect of a signature, and how their messages name what they found."""

from typing import Any

from serving.errors import Code, RequestError
from serving.inference.call import Call
from serving.inference.methods import CLASSIFY
from wire import dtypes
from wire.tensors import Array

INPUTS = "inputs"


def signature_of(call: Call, name: str, method_name: str) -> Any:
    """The signature of that name, made for that method if this counts.

    Raises:
        RequestError: INVALID_ARGUMENT, it is not there, or made for another method.
    """
    signature = call.signature(name)
    if signature is None:
        raise RequestError(Code.INVALID_ARGUMENT, f"No signature was found with the name: {name}")
    check_method_name(call, signature, method_name)
    return signature


def check_method_name(call: Call, signature: Any, expected: str) -> None:
    """Raises `RequestError` for a signature made for another method, if this counts."""
    if call.check_method_names and signature.method_name != expected:
        kind = "classification" if expected == CLASSIFY else "regression"
        raise RequestError(
            Code.INVALID_ARGUMENT,
            f"Expected {kind} signature method_name to be {expected}. Was: {signature.method_name}",
        )


def check_one_input(signature: Any) -> None:
    """Raises `RequestError` for several inputs, or none."""
    if len(signature.inputs) != 1:
        raise RequestError(Code.INVALID_ARGUMENT, "Expected one input Tensor.")


def check_input_name(signature: Any, kind: str) -> None:
    """Raises `RequestError` unless the one input has the name that all classifiers and regressors give it."""
    if INPUTS not in signature.inputs:
        raise RequestError(Code.FAILED_PRECONDITION, f"No {kind} inputs found in SignatureDef: {signature}")


def shape(array: Array) -> str:
    return "[" + ",".join(map(str, array.shape)) + "]"


def dtype_name(array: Array) -> str:
    wire_type = dtypes.of_numpy(array.dtype)
    return f"DT_{wire_type.name.upper()}" if wire_type else array.dtype.name
