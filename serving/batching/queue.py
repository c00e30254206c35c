"""The queue of one signature: batches that fill up, and which of them may run. Guarded by the scheduler's lock."""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field

from serving.batching.execution import Execution
from serving.batching.parameters import BatchingParameters
from serving.batching.task import Call, Task
from serving.batching.tensors import group, piece_sizes, pieces
from serving.errors import Code, RequestError


@dataclass(slots=True, eq=False)
class Batch:
    """Tasks of one group that are to run together, in the order they came. Never empty while it is queued."""

    key: Hashable
    closes_s: float
    """From then on it waits for no more tasks."""
    tasks: list[Task] = field(default_factory=list)
    rows: int = 0
    leader: Task | None = None
    """Whose thread is to run it, once a permit has been set aside for it."""

    @property
    def minder(self) -> Task | None:
        """The first whose caller leads no batch: it minds the time, and is the next to lead. None: all do."""
        return next((task for task in self.tasks if not task.call.leads), None)


class Queue:
    """Bounded. Tasks of different groups never share a batch, so that none meets a neighbour it does not fit."""

    def __init__(self, labels: tuple[str, str, str], execution: Execution, parameters: BatchingParameters) -> None:
        """`labels` are model, version and signature."""
        self.labels = labels
        self.execution = execution
        self.parameters = parameters
        self.input_names = frozenset(execution.inputs)
        self.output_names = frozenset(execution.outputs)
        self._timeout_s = parameters.batch_timeout_micros / 1e6
        self._limit = parameters.execution_limit
        self._batches: dict[Batch, None] = {}  # a set in order of age
        self._open: dict[Hashable, Batch] = {}

    def __bool__(self) -> bool:
        return bool(self._batches)

    def lets_pass(self, call: Call) -> bool:
        """Whether a call may run as it is when there is a permit: none is kept for others, none is cut."""
        return not self._timeout_s and call.rows <= self._limit

    @property
    def tasks(self) -> int:
        return sum(len(batch.tasks) for batch in self._batches)

    @property
    def rows(self) -> int:
        return sum(batch.rows for batch in self._batches)

    def add(self, call: Call) -> None:
        """Puts a call into the open batch of its group, or into a new one; a large one in pieces.

        Raises:
            RequestError: UNAVAILABLE, more batches would be needed than are allowed. Nothing was queued.
        """
        pads = self.parameters.pad_variable_length_inputs
        splits = self.parameters.enable_large_batch_splitting and (call.rows > self._limit or not pads)
        # Pieces are put together again: they must not be padded, each to the length of other neighbours.
        key = (splits, group(call.inputs, self.execution.inputs, pad=pads and not splits))
        open_batch = self._open.get(key)
        room = self._limit - open_batch.rows if open_batch else 0
        self._check_capacity(call.rows, room)
        sizes = piece_sizes(call.rows, room, self._limit) if splits else [call.rows]
        parts = [call.inputs] if len(sizes) == 1 else pieces(call.inputs, sizes)
        for part, size in zip(parts, sizes, strict=True):
            call.tasks.append(Task(call, part, size))
        for task in call.tasks:
            self._put(task, key)

    def ready(self, batch: Batch, now_s: float) -> bool:
        """Full, or old enough, or closed because the next task did not fit."""
        return now_s >= batch.closes_s or batch.rows >= self._limit or self._open.get(batch.key) is not batch

    def oldest_ready(self, now_s: float) -> Batch | None:
        """The oldest batch that may run and has no leader yet."""
        return next((batch for batch in self._batches if batch.leader is None and self.ready(batch, now_s)), None)

    def take(self, batch: Batch) -> list[Task]:
        """Removes a batch; its tasks are the taker's to settle."""
        self._remove(batch)
        for task in batch.tasks:
            task.batch = None
        return batch.tasks

    def leave(self, task: Task) -> None:
        """Removes a task that waits."""
        batch = task.batch
        assert batch is not None, "a task that waits is in a batch"
        batch.tasks.remove(task)
        batch.rows -= task.rows
        task.batch = None
        if not batch.tasks:
            self._remove(batch)

    def _put(self, task: Task, key: Hashable) -> None:
        batch = self._open.get(key)
        if batch is None or batch.rows + task.rows > self._limit:
            batch = self._open[key] = Batch(key, task.call.arrived_s + self._timeout_s)
            self._batches[batch] = None
        batch.tasks.append(task)
        batch.rows += task.rows
        task.batch = batch

    def _check_capacity(self, rows: int, room: int) -> None:
        """`room` is for rows that the open batch still takes."""
        batches, most = len(self._batches), self.parameters.max_enqueued_batches
        if batches + math.ceil((rows - room) / self._limit) <= most:
            return
        full = "The batch scheduling queue to which this task was submitted is full; "
        if not self.parameters.enable_large_batch_splitting:
            raise RequestError(
                Code.UNAVAILABLE, f"{full}currently {batches} batches enqueued and max_enqueued_batches is {most}"
            )
        raise RequestError(
            Code.UNAVAILABLE,
            f"{full}task size is {rows} but scheduling capacity is only {(most - batches) * self._limit + room} "
            f"(num_enqueued_batches={batches}, max_enqueued_batches={most}, "
            f"open_batch_size={self._limit - room if room else 0}, max_execution_batch_size={self._limit})",
        )

    def _remove(self, batch: Batch) -> None:
        del self._batches[batch]
        if self._open.get(batch.key) is batch:
            del self._open[batch.key]
