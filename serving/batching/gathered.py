"""The `Gathered` runtime: the next tokens of texts that several callers write are computed in one run."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from serving.batching.around import Around
from serving.batching.execution import Execution
from serving.batching.parameters import BatchingParameters
from serving.batching.task import Call, Outcome, Task, late
from serving.batching.tensors import group
from serving.errors import Code, RequestError
from serving.metrics import Metrics
from serving.runtimes.runtime import Runtime
from store.manifest import DECODE_SIGNATURE
from wire.tensors import Array

_MOST_ROWS = 64
_PATIENCE = 0.25
_MOST_PATIENCE_S = 0.02
_WEIGHT = 0.2  # of the latest run in the mean of what one takes
_KEPT = {"lease", "position", "token_id", "steps"}


def keeps_texts(runtime: Runtime) -> bool:
    """Whether its `decode` is that of a language model that keeps texts (docs/serving.md), and not another's."""
    definition = runtime.signatures.get(DECODE_SIGNATURE)
    return definition is not None and definition.inputs.keys() == _KEPT and "held" in definition.outputs


class Gathered(Around):
    """A `Runtime` around a `Runtime`, which it owns: calls of one signature whose runs exclude each other anyway.

    Such runs would take turns, each with its caller's few texts, although one with all of them takes little longer. So
    calls that come while one runs go together in the next; and because who was answered will soon ask for the token
    after, that one waits for them: a fraction of what a run takes, and no longer than until all are back. A caller
    that is alone never waits. The first in line runs the batch on its own thread.

    A batch that fails is run call by call, so a row may be computed twice: the signature must not mind.
    """

    def __init__(
        self,
        runtime: Runtime,
        signature: str,
        metrics: Metrics,
        *,
        most_rows: int = _MOST_ROWS,
        clock_s: Callable[[], float] = time.monotonic,
        patience: float = _PATIENCE,
        most_patience_s: float = _MOST_PATIENCE_S,
    ) -> None:
        """
        Args:
            signature: one of the runtime's, whose rows are answered alike in any company.
            most_rows: of several callers in one run; a caller who has more has one for himself.
            patience: of what a run takes: so long the next one waits, but no longer than `most_patience_s`.
        """
        super().__init__(runtime)
        self._signature = signature
        self._most_rows = most_rows
        self._clock_s = clock_s
        self._patience, self._most_patience_s = patience, most_patience_s
        definition = runtime.signatures[signature]
        self._inputs, self._outputs = tuple(sorted(definition.inputs)), tuple(sorted(definition.outputs))
        parameters = BatchingParameters(max_batch_size=most_rows)
        self._execution = Execution(
            runtime, signature, self._inputs, self._outputs, parameters, False, metrics, clock_s
        )
        self._changed = threading.Condition()
        self._waiting: list[Task] = []
        self._running = False
        self._away = 0  # calls that were answered in the last run, and whose callers have not asked again
        self._ended_s = clock_s()
        self._mean_s = 0.0

    @property
    def facts(self) -> Mapping[str, str]:
        return {**self._runtime.facts, "gathering": self._signature}

    @property
    def line(self) -> Sequence[Task]:
        """Who waits for a run."""
        with self._changed:
            return tuple(self._waiting)

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        """As every `Runtime`. The arrays may be read-only views of a run's results that other callers share.

        Raises:
            RequestError: besides the runtime's own: the time was up before its turn (DEADLINE_EXCEEDED).
        """
        rows = self._rows(inputs, outputs) if signature == self._signature else 0
        if not rows:
            return self._runtime.run(signature, inputs, outputs, timeout_s)
        now_s = self._clock_s()
        call = Call(inputs, rows, now_s, None if timeout_s is None else now_s + timeout_s)
        task = Task(call, inputs, rows)
        call.tasks.append(task)
        if batch := self._turn(task):
            self._lead(batch)
        found = dict(zip(self._outputs, call.result(), strict=True))
        return [found[alias] for alias in outputs]

    def _rows(self, inputs: Mapping[str, Array], outputs: Sequence[str]) -> int:
        """Of a call that may go with others; 0 for any other, which the graph is to judge."""
        if inputs.keys() != set(self._inputs) or set(outputs) != set(self._outputs):
            return 0
        sizes = {array.shape[0] if array.ndim else 0 for array in inputs.values()}
        return sizes.pop() if len(sizes) == 1 else 0

    def _turn(self, task: Task) -> Sequence[Task]:
        """The batch that this thread is to run; empty once another thread has answered the task.

        Raises:
            RequestError: its time is up.
        """
        call = task.call
        with self._changed:
            self._away = max(0, self._away - 1)
            self._waiting.append(task)
            self._changed.notify_all()
            try:
                while task.outcome is None:
                    now_s = self._clock_s()
                    if call.expired(now_s):
                        raise late()
                    ends_s = call.deadline_s
                    if self._waiting and self._waiting[0] is task and not self._running:
                        if not (left_s := self._worth_waiting_s(now_s)):
                            return self._taken()
                        ends_s = now_s + left_s if ends_s is None else min(ends_s, now_s + left_s)
                    self._changed.wait(None if ends_s is None else ends_s - now_s)
            except BaseException:
                if task in self._waiting:  # else it runs with its batch, and its answer is nobody's
                    self._waiting.remove(task)
                self._changed.notify_all()
                raise
        return ()

    def _worth_waiting_s(self, now_s: float) -> float:
        """For those who may come back and find room."""
        if not self._away or sum(task.rows for task in self._alike()) >= self._most_rows:
            return 0.0
        patience_s = min(self._most_patience_s, self._patience * self._mean_s)
        return max(0.0, self._ended_s + patience_s - now_s)

    def _alike(self) -> Sequence[Task]:
        """Those who may run with the first in line, and it."""
        first = group(self._waiting[0].inputs, self._inputs, pad=False)
        return [task for task in self._waiting if group(task.inputs, self._inputs, pad=False) == first]

    def _taken(self) -> Sequence[Task]:
        batch: list[Task] = []
        rows = 0
        for task in self._alike():
            if not batch or rows + task.rows <= self._most_rows:
                batch.append(task)
                rows += task.rows
        self._waiting = [task for task in self._waiting if task not in batch]
        self._running = True
        return batch

    def _lead(self, batch: Sequence[Task]) -> None:
        """Runs it, and answers all in it whatever happens."""
        outcomes: list[Outcome]
        began_s = self._clock_s()
        try:
            outcomes = self._execution(batch)
        except BaseException:  # of this thread, such as KeyboardInterrupt: those who wait must not wait for ever
            outcomes = [RequestError(Code.ABORTED, "the thread that ran this batch was interrupted")] * len(batch)
            raise
        finally:
            with self._changed:
                self._ended_s = self._clock_s()
                took_s = self._ended_s - began_s
                self._mean_s = self._mean_s + _WEIGHT * (took_s - self._mean_s) if self._mean_s else took_s
                self._running = False
                self._away = len(batch)
                for task, outcome in zip(batch, outcomes, strict=True):
                    task.settle(outcome)
                self._changed.notify_all()
