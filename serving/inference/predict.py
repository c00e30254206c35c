"""Predict: named tensors in, named tensors out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from serving.errors import Code, RequestError
from serving.inference.call import Call, signature_name
from serving.inference.methods import CLASSIFY, PREDICT, REGRESS
from serving.servable import Interface
from wire import messages
from wire.dtypes import WireType
from wire.errors import TensorError
from wire.shapes import rank_fault
from wire.tensors import Array, from_proto, write_proto, write_values


def predict(call: Call, request: Any, *, tensor_content: bool = False) -> Any:
    """`PredictRequest` to `PredictResponse`.

    Outputs travel in the typed fields, as TensorFlow Serving sends them, or as `tensor_content`, which is shorter and
    faster to read for integers.

    Raises:
        RequestError: with TensorFlow Serving's codes and texts.
    """
    name = signature_name(request.model_spec)
    interface = call.interface(name)
    if interface is None:
        raise RequestError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    check_method_name(call, interface)
    check_inputs(interface, request.inputs)
    inputs = {alias: _decoded(alias, proto) for alias, proto in request.inputs.items()}
    outputs = predict_arrays(call, name, inputs, request.output_filter)
    response = messages.PredictResponse()
    call.name(response.model_spec, name)
    write = write_proto if tensor_content else write_values
    for alias, array in outputs.items():
        try:
            write(_as_declared(array, interface.views.get(alias)), response.outputs[alias])
        except TensorError as exc:
            raise RequestError(Code.UNIMPLEMENTED, f"output {alias} has no wire form: {exc}") from exc
    return response


def predict_arrays(
    call: Call, name: str, inputs: Mapping[str, Array], output_filter: Collection[str] = ()
) -> dict[str, Array]:
    """The outputs by alias, those of the filter or all, of a signature that exists, for inputs that fit its names."""
    interface = call.servable.interfaces[name]
    if interface.shapes and (fault := rank_fault(interface.shapes, inputs)):
        raise _invalid(fault)
    aliases = _filtered(interface.outputs, output_filter) if output_filter else interface.outputs
    return dict(zip(aliases, call.run(name, inputs, aliases), strict=True))


def check_inputs(interface: Interface, sent: Iterable[str]) -> None:
    """The inputs sent must be the signature's, by name; `SignatureDef.defaults` stand for absent ones."""
    names, expected, defaults = set(sent), interface.inputs.keys(), interface.defaults
    if names == expected:
        return
    if len(names) > len(expected) or (len(names) < len(expected) and not defaults):
        raise _invalid(
            f"input size does not match signature: {len(names)}!={len(expected)} len({_set(names)}) != "
            f"len({_set(expected)}). Sent extra: {_set(names - expected)}. "
            f"Missing but required: {_set(expected - names)}."
        )
    for alias in sorted(expected - names - defaults):
        raise _invalid(
            f"Signature input alias: {alias}(feed name: {interface.inputs[alias]}) not found in request and no default "
            f"value provided. Inputs expected to be in the request {_set(names)}, or default input alias set: "
            f"{_set(defaults)}"
        )
    if names - expected:
        raise _invalid(
            f"Inputs contains invalid name. Used request inputs: {_set(names & expected)}, request input: {_set(names)}"
        )


def check_method_name(call: Call, interface: Interface) -> None:
    """Whether Predict may ask the signature; the servers ask this before they look at inputs."""
    if call.check_method_names and interface.method_name not in (PREDICT, CLASSIFY, REGRESS):
        raise RequestError(
            Code.INTERNAL,
            f"Expected prediction signature method_name to be one of {{{PREDICT}, {CLASSIFY}, {REGRESS}}}. "
            f"Was: {interface.method_name}",
        )


def _filtered(outputs: Sequence[str], output_filter: Iterable[str]) -> list[str]:
    """The aliases of a filter, in its order."""
    wanted: list[str] = []
    for alias in output_filter:
        if alias not in outputs:
            raise _invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in the set "
                f"{_set(outputs)}."
            )
        if alias in wanted:
            raise _invalid(f"duplicate output tensor alias: {alias}")
        wanted.append(alias)
    return wanted


def _decoded(alias: str, proto: Any) -> Array:
    try:
        return from_proto(proto)
    except TensorError as exc:
        raise _invalid(f"tensor parsing error: {alias}") from exc


def _as_declared(array: Array, view: WireType | None) -> Array:
    """Sessions give quantised tensors as plain integers; the signature knows better."""
    return array.view(view.numpy) if view is not None and array.dtype == view.stored else array


def _set(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
