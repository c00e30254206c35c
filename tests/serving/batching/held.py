"""A runtime that a test holds in its hand: runs wait for the test, and are remembered."""

import hashlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from serving.batching.batched import Batched
from serving.batching.parameters import BatchingParameters
from serving.batching.scheduler import Scheduler
from serving.errors import Code, RequestError
from serving.metrics import Metrics
from tests.support.processes import until
from wire import messages
from wire.tensors import Array

POISON = -1.0

_SIGNATURES: dict[str, tuple[Sequence[str], Mapping[str, Callable[..., Array]]]] = {
    "double": (["x"], {"y": lambda x: x * 2}),
    "several": (["a", "b"], {"sum": lambda a, b: a + b, "a_twice": lambda a, b: np.stack([a, a], axis=-1)}),
    "echo": (["text"], {"text": lambda text: text}),
    "total": (["x"], {"total": lambda x: x.sum()}),
    "half": (["x"], {"half": lambda x: x[::2]}),
    "nothing_in": ([], {"answer": lambda: np.array([42])}),
    "centred": (["x"], {"y": lambda x: x - x.mean()}),
    "faint": (["x"], {"y": lambda x: x * (1e-6 + 1e-8 * (len(x) - 1))}),
    "constant": (["x"], {"y": lambda x: x * 0}),
    "count": (["x"], {"y": lambda x: x}),
}


class Held:
    """A `Runtime` of numpy functions. While `gate` is clear, runs wait; they raise `error` where it is set.

    `POISON` among the inputs fails a run.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.runs: list[dict[str, Array]] = []
        self.timeouts: list[float | None] = []
        self.asked: list[str] = []
        self.closed = False
        self.error: BaseException | None = None
        self.work = b""  # gone through by each run, with Python's lock given away, as real runs do
        self.pure: Collection[str] = _SIGNATURES.keys()
        self.unopened: Collection[str] = ()
        self._signatures = {name: _definition(*definition) for name, definition in _SIGNATURES.items()}

    @property
    def signatures(self) -> Mapping[str, Any]:
        return self._signatures

    @property
    def facts(self) -> Mapping[str, str]:
        return {"runtime": "held"}

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        self.runs.append(dict(inputs))
        self.asked.append(signature)
        self.timeouts.append(timeout_s)
        hashlib.sha256(self.work)
        assert self.gate.wait(30)
        if self.error:
            raise self.error
        if any(array.dtype != object and (array == POISON).any() for array in inputs.values()):
            raise RequestError(Code.INVALID_ARGUMENT, "poisoned")
        _, functions = _SIGNATURES[signature]
        return [functions[alias](**inputs) for alias in outputs]

    def close(self) -> None:
        self.closed = True

    @property
    def sizes(self) -> list[int]:
        """Rows of each run."""
        return [len(next(iter(inputs.values()))) for inputs in self.runs]


class Bench:
    """A `Batched` around a `Held`, and what to look at."""

    def __init__(
        self, permits: int = 1, *, strict: bool = True, clock_s: Callable[[], float] | None = None, **parameters: Any
    ) -> None:
        self.runtime = Held()
        self.metrics = Metrics()
        self.scheduler = Scheduler(permits, self.metrics, **({"clock_s": clock_s} if clock_s else {}))
        self.batched = Batched(
            self.runtime, BatchingParameters(**parameters), self.scheduler, model="m", version=1, strict=strict
        )

    def double(self, *x: float, timeout_s: float | None = 30) -> list[float]:
        """One call of one row per value."""
        found: list[float] = self.batched.run("double", {"x": np.array(x)}, ["y"], timeout_s)[0].tolist()
        return found

    def occupy(self, submit: Callable[..., Any]) -> Any:
        """Starts a call that holds the only permit until `runtime.gate` is set."""
        self.runtime.gate.clear()
        runs = len(self.runtime.runs)
        call = submit(self.double, 0.0)
        until(lambda: len(self.runtime.runs) > runs, "the first call runs")
        return call

    def wait_for_tasks(self, count: int) -> None:
        until(lambda: self.depth("tasks") == count, f"{count} tasks wait")

    def depth(self, of: str) -> int:
        lines = {"tasks": self.metrics.queue_tasks, "rows": self.metrics.queue_rows}[of].lines()
        return sum(int(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#"))


def _definition(inputs: Sequence[str], outputs: Mapping[str, object]) -> Any:
    definition = messages.SignatureDef()
    for alias in inputs:
        definition.inputs[alias].dtype = 7 if alias == "text" else 2
        definition.inputs[alias].tensor_shape.dim.add(size=-1)
    for alias in outputs:
        definition.outputs[alias].SetInParent()
    return definition
