"""The scheduler: which thread runs which batch when. One for all models of a server.

A caller whose batch may run, while an execution permit is free, is its leader: it runs the batch and settles every task
in it. Where all permits are taken it sleeps, and whoever gives one back sets it aside for the next batch, queues taking
turns, and wakes the first caller in it. So a call that meets no other runs on its own thread at once, and what arrives
while others run is one batch when they are done.

A caller leads one batch at a time. Of a call that was split, the other pieces are led by callers they share a batch
with, or else by a helper: a full batch never waits for a thread while a permit is free.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from serving.batching.queue import Batch, Queue
from serving.batching.task import Call, Outcome, Task, late
from serving.errors import Code, RequestError
from serving.metrics import Metrics


class Scheduler:
    """Shares `permits` between the queues attached to it. Thread-safe."""

    def __init__(self, permits: int, metrics: Metrics, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        """`clock_s` decides what is old and what is late; sleeping callers are woken by real time too."""
        self.metrics = metrics
        self.clock_s = clock_s
        self._lock = threading.Lock()
        self._free = permits
        self._helpers = ThreadPoolExecutor(permits, "batching")  # starts threads only when there is work for them
        self._queues: set[Queue] = set()
        self._busy: dict[Queue, None] = {}  # queues with batches; the one whose turn is next comes first
        metrics.queue_tasks.watch(lambda: self._depths(lambda queue: queue.tasks))
        metrics.queue_rows.watch(lambda: self._depths(lambda queue: queue.rows))

    @property
    def free_permits(self) -> int:
        with self._lock:
            return self._free

    def attach(self, queue: Queue) -> None:
        with self._lock:
            self._queues.add(queue)

    def detach(self, queue: Queue) -> None:
        """For a queue that nobody uses any more."""
        with self._lock:
            self._queues.remove(queue)

    def answer(self, queue: Queue, call: Call) -> None:
        """Returns once each task of the call has its outcome; this thread may run batches meanwhile.

        Raises:
            RequestError: UNAVAILABLE, the queue is full; DEADLINE_EXCEEDED, the call's time was up before its outcome.
        """
        try:
            mine, wake_s = self._arrive(queue, call)
            while True:
                if mine:
                    self._lead(queue, mine, call)
                if call.answered:
                    return
                if not mine:
                    call.sleep(None if wake_s is None else max(0, wake_s - self.clock_s()))
                    if call.answered:
                        return
                with self._lock:
                    mine, wake_s = self._turn(queue, call, self.clock_s())
        except BaseException:  # its time is up, or its thread is interrupted, such as by KeyboardInterrupt
            with self._lock:
                self._leave(queue, call)
            raise

    def _arrive(self, queue: Queue, call: Call) -> tuple[Sequence[Task], float | None]:
        """What `_turn` says of a call that was just queued, or need not be."""
        if call.expired(call.arrived_s):
            raise late()
        with self._lock:
            if self._free and queue.lets_pass(call):
                self._free -= 1
                call.tasks.append(Task(call, call.inputs, call.rows))
                return call.tasks, None
            queue.add(call)
            self._busy[queue] = None
            found = self._turn(queue, call, call.arrived_s)
            self._set_aside(call.arrived_s)  # a batch this call did not fit into is closed now
            return found

    def _turn(self, queue: Queue, call: Call, now_s: float) -> tuple[Sequence[Task], float | None]:
        """The tasks this thread is to run now; or none, and when to look again.

        Whoever holds a permit uses it, late or not: that is why a permit cannot be lost.

        Raises:
            RequestError: the call's time is up.
        """
        waiting = [(task, task.batch) for task in call.tasks if task.batch is not None]
        for task, batch in waiting:
            if batch.leader is task:
                return self._take(queue, batch), None
        for task, batch in waiting:
            if self._free and batch.leader is None and queue.ready(batch, now_s):
                self._appoint(task, batch)
                return self._take(queue, batch), None
        if call.expired(now_s):
            raise late()
        ends_s = [batch.closes_s for task, batch in waiting if batch.minder is task and not queue.ready(batch, now_s)]
        if call.deadline_s is not None:
            ends_s.append(call.deadline_s)
        return (), min(ends_s, default=None)

    def _lead(self, queue: Queue, tasks: Sequence[Task], call: Call | None) -> None:
        """Runs a batch with the permit this thread holds, and settles it whatever happens.

        Args:
            call: this thread's own; None for a helper's.
        """
        outcomes: list[Outcome]
        try:
            outcomes = queue.execution(tasks)
        except BaseException:  # of this thread, such as KeyboardInterrupt: those who wait must not wait for ever
            outcomes = [RequestError(Code.ABORTED, "the thread that ran this batch was interrupted")] * len(tasks)
            raise
        finally:
            with self._lock:
                self._free += 1
                if call is not None:
                    call.leads = False
                self._set_aside(self.clock_s())
            for task, outcome in zip(tasks, outcomes, strict=True):
                task.settle(outcome)

    def _set_aside(self, now_s: float) -> None:
        """Gives free permits to batches that may run, and wakes their leaders."""
        while self._free and self._busy and (found := self._next(now_s)):
            queue, batch = found
            if (task := batch.minder) is not None:
                self._appoint(task, batch)
                task.call.wake()
            else:
                self._free -= 1
                self._helpers.submit(self._lead, queue, self._take(queue, batch), None)

    def _next(self, now_s: float) -> tuple[Queue, Batch] | None:
        for queue in self._busy:
            if batch := queue.oldest_ready(now_s):
                self._busy[queue] = self._busy.pop(queue)  # to the end of the line
                return queue, batch
        return None

    def _appoint(self, leader: Task, batch: Batch) -> None:
        """Sets a permit aside. Batches with other pieces of the leader's call are for their next in line to mind."""
        self._free -= 1
        batch.leader = leader
        leader.call.leads = True
        for piece in leader.call.tasks:
            if piece.batch not in (None, batch) and (heir := piece.batch.minder):
                heir.call.wake()

    def _take(self, queue: Queue, batch: Batch) -> Sequence[Task]:
        tasks = queue.take(batch)
        if not queue:
            del self._busy[queue]
        return tasks

    def _leave(self, queue: Queue, call: Call) -> None:
        """Takes the tasks that still wait out of the queue; a permit that was set aside for one is free again."""
        for task in call.tasks:
            if (batch := task.batch) is None:
                continue
            if batch.leader is task:
                batch.leader = None
                self._free += 1
            queue.leave(task)
            if heir := batch.minder:
                heir.call.wake()
        if not queue:
            self._busy.pop(queue, None)
        self._set_aside(self.clock_s())

    def _depths(self, depth: Callable[[Queue], int]) -> Iterator[tuple[tuple[str, ...], float]]:
        with self._lock:
            depths = [(queue.labels, depth(queue)) for queue in self._queues]
        yield from depths
