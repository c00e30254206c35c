"""One call on one version: runs its signatures, and counts the time that takes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.metrics import Metrics
from serving.servable import Interface, Servable
from wire.methods import DEFAULT_SIGNATURE
from wire.tensors import Array

_RUNTIME = "TF1"  # what TensorFlow Serving calls its own; dashboards select by it


@dataclass(slots=True)  # not frozen: that makes it three times slower, and there is one for each request
class Call:
    """A version in the caller's hold, until the call has ended.

    Attributes:
        api: the name of the RPC, e.g. `Predict`.
        timeout_s: the limit of each run; None is none.
        check_method_names: a signature must have been made for the RPC that asks it.
    """

    servable: Servable
    api: str
    timeout_s: float | None
    metrics: Metrics
    check_method_names: bool = False

    def interface(self, name: str) -> Interface | None:
        """What Predict must know of the signature of that name, or None."""
        return self.servable.interfaces.get(name)

    def signature(self, name: str) -> Any:
        """The `SignatureDef` of that name, or None."""
        return self.servable.runtime.signatures.get(name)

    def run(self, signature_name: str, inputs: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
        """The tensors of `outputs`, in that order.

        Raises:
            RequestError: the graph refuses the inputs, or the time is up.
        """
        started = time.perf_counter()
        arrays = self.servable.runtime.run(signature_name, inputs, outputs, self.timeout_s)
        microseconds = (time.perf_counter() - started) * 1e6
        self.metrics.runtime_latency.add((self.servable.model, self.api, _RUNTIME), microseconds)
        return arrays

    def name(self, spec: Any, signature_name: str = "") -> None:
        """Fills a response's `ModelSpec` with what was really used."""
        spec.name = self.servable.model
        spec.version.value = self.servable.version
        spec.signature_name = signature_name


def signature_name(spec: Any) -> str:
    """The signature that a `ModelSpec` asks for."""
    return spec.signature_name or DEFAULT_SIGNATURE
