"""The bodies of REST's `:predict`: a JSON request to tensors, and tensors to a JSON answer."""

from typing import Any

from serving.errors import Code, RequestError
from serving.inference.call import DEFAULT_SIGNATURE, Call
from serving.inference.predict import check_method_name, predict_arrays
from serving.rest import tensors
from serving.rest.json import quote, show, signature_name, tensor_text
from wire.tensors import Array


def predict_json(call: Call, document: dict[str, Any]) -> str:
    """The answer to a predict body.

    Raises:
        RequestError: with TensorFlow Serving's codes and texts.
    """
    name = signature_name(document)
    inputs = _inputs(document, _dtypes(call, name))
    check_method_name(call, call.servable.interfaces[name or DEFAULT_SIGNATURE])
    outputs = predict_arrays(call, name or DEFAULT_SIGNATURE, inputs)
    if not outputs:
        raise _invalid("Cannot convert empty tensor map to JSON")
    return _predictions(outputs) if "instances" in document else _outputs(outputs)


def _dtypes(call: Call, name: str) -> dict[str, int]:
    signature = call.signature(name or DEFAULT_SIGNATURE)
    if signature is None:
        raise _invalid(f'Serving signature name: "{name or DEFAULT_SIGNATURE}" not found in signature def')
    if not signature.inputs:
        raise _invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    return {alias: info.dtype for alias, info in signature.inputs.items()}


def _inputs(document: dict[str, Any], dtypes: dict[str, int]) -> dict[str, Array]:
    """The tensors of a predict body: its `instances` row by row, or its `inputs` column by column."""
    if "instances" in document and "inputs" in document:
        raise _invalid(
            f"JSON Value: {show(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys "
            "to exist "
        )
    if "inputs" in document:
        return tensors.columnar(document["inputs"], dtypes)
    if "instances" not in document:
        raise _invalid("Missing 'inputs' or 'instances' key")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise _invalid(f"JSON Value: {show(document)} Expecting 'instances' to be an list/array")
    if not instances:
        raise _invalid(f"JSON Value: {show(document)} No values in 'instances' array")
    return tensors.rows(instances, dtypes)


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
    return f'{{\n    "predictions": [\n        {lines}\n    ]\n}}' if elements else '{\n    "predictions": []\n}'


def _outputs(outputs: dict[str, Array]) -> str:
    """`{"outputs": …}`: the whole tensor, or an object of tensors by output name if there are several."""
    texts = {name: tensor_text(name, array, rows=False)[0] for name, array in outputs.items()}
    if len(texts) == 1:
        return f'{{\n    "outputs": {next(iter(texts.values()))}\n}}'
    lines = ",\n        ".join(f"{quote(name)}: {text}" for name, text in texts.items())
    return f'{{\n    "outputs": {{\n        {lines}\n    }}\n}}'


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
