"""A servable: a loaded version, as requests use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from serving.runtimes.runtime import Runtime
from wire import dtypes
from wire.dtypes import WireType
from wire.shapes import Shape, bound_shapes


@dataclass(frozen=True)
class Interface:
    """What Predict must know of a signature, read once: each look into a protobuf map costs a microsecond.

    Attributes:
        inputs: name of the fed tensor by alias.
        defaults: aliases of the inputs that may be absent.
        outputs: aliases, sorted.
        shapes: of the inputs whose rank must fit, see `wire.shapes`.
        views: data types of the outputs that sessions give as plain integers: the quantised ones.
    """

    method_name: str
    inputs: Mapping[str, str]
    defaults: frozenset[str]
    outputs: tuple[str, ...]
    shapes: Mapping[str, Shape]
    views: Mapping[str, WireType]

    @classmethod
    def of(cls, signature: Any) -> Self:
        """From a `SignatureDef`."""
        declared = {alias: dtypes.BY_ENUM.get(info.dtype) for alias, info in signature.outputs.items()}
        return cls(
            method_name=signature.method_name,
            inputs={alias: info.name for alias, info in signature.inputs.items()},
            defaults=frozenset(signature.defaults),
            outputs=tuple(sorted(signature.outputs)),
            shapes=bound_shapes(signature),
            views={alias: wire_type for alias, wire_type in declared.items() if wire_type and wire_type.numpy.names},
        )


@dataclass(frozen=True)
class Servable:
    """A version in use; it stays loaded as long as whoever gave it promises."""

    model: str
    version: int
    runtime: Runtime

    @cached_property
    def interfaces(self) -> Mapping[str, Interface]:
        """By signature name."""
        return {name: Interface.of(signature) for name, signature in self.runtime.signatures.items()}
