"""Puts weights, named and shaped as PyTorch has them, into a Keras model: every one, and each where it belongs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Any

from numpy.typing import NDArray

from models.errors import UnfitWeightsError


@dataclass(frozen=True)
class Place:
    """Where a weight belongs. `kernel`: of a dense layer or a convolution, which PyTorch keeps as `[out, in, …]`, and
    Keras as `[…, in, out]`."""

    variable: Any
    kernel: bool = False


def fill(places: Mapping[str, Place], weights: Mapping[str, NDArray[Any]], unused: Sequence[str] = ()) -> None:
    """Gives each place the weight of its name; names that begin as one of `unused` are passed over.

    Raises:
        UnfitWeightsError: one is missing or of another shape, or there is one that has no place in the model.
    """
    if missing := sorted(places.keys() - weights.keys()):
        raise UnfitWeightsError(f"they lack {', '.join(missing)}")
    if left := sorted(name for name in weights.keys() - places.keys() if not name.startswith(tuple(unused))):
        raise UnfitWeightsError(f"the model has no place for {', '.join(left)}")
    for name, place in places.items():
        given = _turned(weights[name]) if place.kernel else weights[name]
        if not _joins(given.shape, place.variable.shape):
            told = f"{given.shape} when transposed" if place.kernel else f"{given.shape}"
            raise UnfitWeightsError(f"{name} has the shape {told}, expected {tuple(place.variable.shape)}")
        place.variable.assign(given.reshape(place.variable.shape))


def _turned(kernel: NDArray[Any]) -> NDArray[Any]:
    """`[out, in, …]` to `[…, in, out]`."""
    return kernel.transpose(*range(2, kernel.ndim), 1, 0) if kernel.ndim > 1 else kernel


def _joins(shape: Sequence[int], other: Sequence[int]) -> bool:
    """Whether `shape` is `other` with some neighbouring dimensions joined, as those of heads are in PyTorch."""
    ends = set(accumulate(other, mul))
    return math.prod(shape) == math.prod(other) and all(end in ends for end in accumulate(shape, mul))
