"""The bodies of `:predict`: a JSON request to tensors, and tensors to a JSON answer."""

from collections.abc import Mapping
from typing import Any

from grpc import StatusCode

from wire.errors import RestError
from wire.methods import DEFAULT_SIGNATURE
from wire.rest import tensors
from wire.rest.json import quote, show, signature_name, tensor_text
from wire.tensors import Array


def read_inputs(document: dict[str, Any], signature: Any) -> dict[str, Array]:
    """The tensors of a body: its `instances` row by row, or its `inputs` column by column.

    Args:
        signature: the `SignatureDef` that the body asks, None if there is none of that name.

    Raises:
        RestError: with TensorFlow Serving's codes and texts.
    """
    inputs = _data_types(signature_name(document), signature)
    if "instances" in document and "inputs" in document:
        raise _invalid(
            f"JSON Value: {show(document)} Not formatted correctly expecting only one of 'inputs' or 'instances' keys "
            "to exist "
        )
    if "inputs" in document:
        return tensors.columnar(document["inputs"], inputs)
    if "instances" not in document:
        raise _invalid("Missing 'inputs' or 'instances' key")
    instances = document["instances"]
    if not isinstance(instances, list):
        raise _invalid(f"JSON Value: {show(document)} Expecting 'instances' to be an list/array")
    if not instances:
        raise _invalid(f"JSON Value: {show(document)} No values in 'instances' array")
    return tensors.rows(instances, inputs)


def row_count(document: dict[str, Any], signature: Any) -> int:
    """How many rows a body brings, told before anything is converted: where the first dimension may have any size.

    Args:
        signature: as for `read_inputs`, which finds what is wrong with the body.
    """
    free = [name for name, info in signature.inputs.items() if _in_rows(info)] if signature else []
    value = document.get("inputs")
    columns = [value.get(name) for name in free] if isinstance(value, dict) else [value]
    return max(
        (len(rows) for rows in [document.get("instances"), *columns] if free and isinstance(rows, list)), default=1
    )


def _in_rows(declared: Any) -> bool:
    """Whether the first dimension of a `TensorInfo` may have any size."""
    return not any(dim.size >= 0 for dim in declared.tensor_shape.dim[:1])


def outputs_text(document: dict[str, Any], outputs: Mapping[str, Array]) -> str:
    """The answer to a body, row by row if it asked so; several outputs stand in the order they have here.

    Raises:
        RestError: they have no JSON form.
    """
    if not outputs:
        raise _invalid("Cannot convert empty tensor map to JSON")
    return _predictions(outputs) if "instances" in document else _outputs(outputs)


def _data_types(name: str, signature: Any) -> dict[str, int]:
    if signature is None:
        raise _invalid(f'Serving signature name: "{name or DEFAULT_SIGNATURE}" not found in signature def')
    if not signature.inputs:
        raise _invalid(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    return {alias: info.dtype for alias, info in signature.inputs.items()}


def _predictions(outputs: Mapping[str, Array]) -> str:
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


def _outputs(outputs: Mapping[str, Array]) -> str:
    """`{"outputs": …}`: the whole tensor, or an object of tensors by output name if there are several."""
    texts = {name: tensor_text(name, array, rows=False)[0] for name, array in outputs.items()}
    if len(texts) == 1:
        return f'{{\n    "outputs": {next(iter(texts.values()))}\n}}'
    lines = ",\n        ".join(f"{quote(name)}: {text}" for name, text in texts.items())
    return f'{{\n    "outputs": {{\n        {lines}\n    }}\n}}'


def _invalid(message: str) -> RestError:
    return RestError(StatusCode.INVALID_ARGUMENT, message)
