"""The `Batched` runtime: calls of one signature that arrive together become one run of the runtime it wraps."""

from collections.abc import Collection, Mapping, Sequence
from typing import Self

from serving.batching.around import Around
from serving.batching.execution import Execution
from serving.batching.gain import Gain, measure
from serving.batching.parameters import BatchingParameters
from serving.batching.queue import Queue
from serving.batching.samples import Rows
from serving.batching.scheduler import Scheduler
from serving.batching.task import Call
from serving.batching.tensors import check_paddable, rows_of
from serving.errors import Code, RequestError
from serving.runtimes.runtime import Runtime
from wire.tensors import Array

_ZERO_WAIT = BatchingParameters(max_batch_size=64, max_enqueued_batches=2**31)  # the faces bound the calls in flight


class Batched(Around):
    """A `Runtime` around a `Runtime`, which it owns.

    A call is batched when it gives all inputs of its signature and asks for all its outputs, as in TensorFlow Serving.
    Any other goes to the runtime directly; so does one that leaves an input to its default, and one of no rows.

    Unlike TensorFlow Serving's, a batch holds rows of equal dtypes and shapes only (of equal ranks, where they are
    padded), so no call fails because its neighbour's shape differs; and where a batch fails, each call runs alone.
    """

    def __init__(
        self,
        runtime: Runtime,
        parameters: BatchingParameters,
        scheduler: Scheduler,
        *,
        model: str,
        version: int,
        strict: bool = True,
        only: Collection[str] | None = None,
        gains: Mapping[str, Gain] | None = None,
    ) -> None:
        """Batches the signatures named in `only`, by default all; those without inputs have no rows, and no queue.

        Args:
            strict: refuse calls that cannot be batched, as TensorFlow Serving does, rather than run them alone.
            gains: what was measured, for whoever asks.
        """
        super().__init__(runtime)
        self._scheduler = scheduler
        self._strict = strict
        self.gains = gains or {}
        # All outputs of the signatures without inputs, of which TensorFlow Serving refuses whole calls.
        self._rowless = {name: set(s.outputs) for name, s in runtime.signatures.items() if strict and not s.inputs}
        self._queues = {}
        for name, signature in runtime.signatures.items():
            if not signature.inputs or (only is not None and name not in only):
                continue
            execution = Execution(
                runtime,
                name,
                tuple(sorted(signature.inputs)),
                tuple(sorted(signature.outputs)),
                parameters,
                strict,
                scheduler.metrics,
                scheduler.clock_s,
            )
            queue = self._queues[name] = Queue((model, str(version), name), execution, parameters)
            scheduler.attach(queue)

    @classmethod
    def zero_wait(
        cls,
        runtime: Runtime,
        scheduler: Scheduler,
        *,
        model: str,
        version: int,
        samples: Mapping[str, Sequence[Rows]],
    ) -> Self:
        """Never waits for more calls and never refuses any; batches the signatures that a measurement shows to gain.

        Args:
            samples: see `gain.measure`.
        """
        gains = measure(runtime, samples)
        helped = [name for name, gain in gains.items() if gain.helps]
        return cls(runtime, _ZERO_WAIT, scheduler, model=model, version=version, strict=False, only=helped, gains=gains)

    @property
    def facts(self) -> Mapping[str, str]:
        """The runtime's, and what is batched; with the gain of each signature where that was measured."""
        gains = [f"{name} {gain.ratio:.1f}×" for name, gain in self.gains.items()]
        measured = f" (measured: {', '.join(gains)})" if gains else ""
        return {**self._runtime.facts, "batching": (", ".join(self._queues) or "nothing gains") + measured}

    @property
    def batched_signatures(self) -> Collection[str]:
        return self._queues.keys()

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        """As every `Runtime`. The arrays may be read-only views of a run's results that other callers share.

        Raises:
            RequestError: besides the runtime's own: the call cannot be batched (INVALID_ARGUMENT), the queue is full
                (UNAVAILABLE), the time was up in the queue (DEADLINE_EXCEEDED).
        """
        queue = self._queues.get(signature)
        if queue is None and self._rowless.get(signature) == set(outputs):
            rows_of({})  # refuses
        rows = 0 if queue is None else self._rows(queue, inputs, outputs)
        if queue is None or not rows:
            return self._runtime.run(signature, inputs, outputs, timeout_s)
        for _ in inputs:
            self._scheduler.metrics.input_batch_size.add((), rows)
        now_s = self._scheduler.clock_s()
        call = Call(inputs, rows, now_s, None if timeout_s is None else now_s + timeout_s)
        self._scheduler.answer(queue, call)
        found = call.result()
        names = queue.execution.outputs
        if tuple(outputs) == names:
            return found
        by_alias = dict(zip(names, found, strict=True))
        return [by_alias[alias] for alias in outputs]

    def close(self) -> None:
        for queue in self._queues.values():
            self._scheduler.detach(queue)
        super().close()

    def _rows(self, queue: Queue, inputs: Mapping[str, Array], outputs: Sequence[str]) -> int:
        """The rows of a call that is to be batched; 0 for one that is not.

        Raises:
            RequestError: the call can neither be batched nor pass.
        """
        parameters = queue.parameters
        if inputs.keys() != queue.input_names or queue.output_names != set(outputs):
            return 0
        try:
            rows = rows_of(inputs)
            if rows > parameters.max_batch_size:
                raise RequestError(
                    Code.INVALID_ARGUMENT,
                    f"Task size {rows} is larger than maximum input batch size {parameters.max_batch_size}",
                )
            if parameters.pad_variable_length_inputs:
                check_paddable(inputs)
        except RequestError:
            if self._strict:
                raise
            return 0
        return rows
