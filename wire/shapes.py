"""The ranks of a signature's inputs: what must fit, whatever the graph makes of the rest.

TensorFlow Serving leaves every shape to the graph, and so do we up to matrices: its clients send scalars and rows where
`[-1, n]` is declared. But pictures and the like must have their number of dimensions: convolutions trust the rank,
oneDNN's kernels end the process over a wrong one.
"""

from collections.abc import Mapping
from typing import Any

from wire.tensors import Array

_FREE_RANK = 2  # dimensions up to which the graph alone judges a shape

Shape = tuple[int, ...]  # -1 for any size


def bound_shapes(signature: Any) -> dict[str, Shape]:
    """The inputs of a `SignatureDef` whose rank must fit, by alias."""
    return {
        alias: tuple(dim.size for dim in info.tensor_shape.dim)
        for alias, info in signature.inputs.items()
        if len(info.tensor_shape.dim) > _FREE_RANK
    }


def rank_fault(shapes: Mapping[str, Shape], inputs: Mapping[str, Array]) -> str | None:
    """What is wrong with the rank of one of the inputs, None if nothing is."""
    for alias, array in inputs.items():
        shape = shapes.get(alias)
        if shape is not None and array.ndim != len(shape):
            return (
                f"input {alias} has shape {list(array.shape)}; expected {len(shape)} dimensions, {list(shape)} with -1 "
                "for any size"
            )
    return None
