"""Runs one batch: drops who is late, merges, runs, cuts apart. A poisoned task harms itself only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serving.batching.parameters import BatchingParameters
from serving.batching.task import Outcome, Task, late
from serving.batching.tensors import check_outputs, merge, split
from serving.errors import RequestError
from serving.metrics import Metrics
from serving.runtimes.runtime import Runtime
from wire.tensors import Array

_POOL = ("",)  # the pool's name, which TensorFlow Serving leaves empty whatever the file says


@dataclass(frozen=True)
class Execution:
    """Runs tasks of one group on one signature of a runtime: an outcome for each, in their order; it never raises.

    Where a merged run fails, each task runs alone: TensorFlow Serving fails them all. So of a signature with side
    effects a row may run twice when another row of its batch fails.
    """

    runtime: Runtime
    signature: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parameters: BatchingParameters
    strict: bool
    """Whether also a task that runs alone must give as many rows as it has."""
    metrics: Metrics
    clock_s: Callable[[], float]

    def __call__(self, tasks: Sequence[Task]) -> list[Outcome]:
        now_s = self.clock_s()
        for task in tasks:
            self.metrics.queuing_latency.add(_POOL, (now_s - task.call.arrived_s) * 1e6)
        if len(tasks) == 1:
            return [self._alone(tasks[0])]
        live = [task for task in tasks if not task.call.expired(now_s)]
        try:
            parts = iter(self._run(live, now_s)) if live else iter(())
        except Exception:  # whatever it is: who is to blame shows when each runs alone, and gets the error then
            return [self._alone(task) for task in tasks]
        return [late() if task.call.expired(now_s) else next(parts) for task in tasks]

    def _alone(self, task: Task) -> Outcome:
        now_s = self.clock_s()
        if task.call.expired(now_s):
            return late()
        try:
            return self._run([task], now_s)[0]
        except RequestError as exc:
            return exc.with_traceback(None)  # which would hold this frame, and so itself, and the tensors
        except Exception as exc:  # a defect of the runtime is for the caller to report, not for its neighbours
            return exc

    def _run(self, tasks: Sequence[Task], now_s: float) -> list[list[Array]]:
        """Each task's rows of the outputs."""
        sizes = [task.rows for task in tasks]
        rows = sum(sizes)
        fill = self.parameters.filled_up(rows) - rows
        self.metrics.padding_size.add((str(rows + fill),), fill)
        self.metrics.processed_batch_size.add((), rows + fill)
        if len(tasks) == 1 and not fill:
            inputs = tasks[0].inputs
        else:
            calls = [task.inputs for task in tasks]
            inputs = merge(calls, self.inputs, fill=fill, pad=self.parameters.pad_variable_length_inputs)
        self.metrics.wrapped_run_count.add(())
        outputs = self.runtime.run(self.signature, inputs, self.outputs, _time_left(tasks, now_s))
        if len(tasks) == 1 and not fill:
            if self.strict:
                check_outputs(outputs, rows)
            return [outputs]
        check_outputs(outputs, rows + fill)
        return split(outputs, sizes)


def _time_left(tasks: Sequence[Task], now_s: float) -> float | None:
    """Until the latest deadline; None when a task has none."""
    latest_s = 0.0
    for task in tasks:
        if task.call.deadline_s is None:
            return None
        latest_s = max(latest_s, task.call.deadline_s)
    return latest_s - now_s
