"""Requests to one version that travel together: while calls of their form are under way, others gather for the next.

A call to a model server costs the gateway more than its rows do, so many small requests are asked as one. Nobody waits
for company that may come: a request goes at once as long as few of its form are under way.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from gateway.deadline import Deadline
from gateway.errors import GatewayError, UnavailableError
from gateway.rows import form_of, merged, rows_of, shared_out
from gateway.tasks.base import Tensors

Call = Callable[[Tensors, Deadline], Tensors]

_ABREAST = 2  # of all workers together, and one of each at least: while one is computed the next is sent


@dataclass
class _Queue:
    """Of the requests of one form: how many calls are under way, and who waits."""

    under_way: int = 0
    waiting: "deque[_Request]" = field(default_factory=deque)


@dataclass(eq=False)
class _Request:
    """Waits in the queue, or travels in the group of the one that leads it, and then has an answer.

    Attributes:
        group: of which this one is, and which its thread is to ask for.
        alone: it must be asked by itself, for together there was no answer.
    """

    inputs: Tensors
    rows: int
    form: Hashable
    deadline: Deadline
    woken: threading.Event = field(default_factory=threading.Event)
    group: "Sequence[_Request] | None" = None
    answer: Tensors | None = None
    error: GatewayError | None = None
    alone: bool = False

    @property
    def settled(self) -> bool:
        return self.answer is not None or self.error is not None or self.alone


class Company:
    """Safe to share between threads."""

    def __init__(self, call: Call, most_rows: int, servers: Callable[[], int] = lambda: 1, *, workers: int = 1) -> None:
        """
        Args:
            call: asks a model server; a row's answer must not depend on the others.
            most_rows: in one call; a request that has more goes by itself.
            servers: among which the calls are dealt out.
            workers: processes that do the same.
        """
        self._call = call
        self._most_rows = most_rows
        self._servers = servers
        self._workers = workers
        self._lock = threading.Lock()
        self._queues: dict[Hashable, _Queue] = {}  # by form, of those under way

    def ask(self, inputs: Tensors, deadline: Deadline) -> Tensors:
        """The outputs for these inputs, by themselves or among others.

        Raises:
            DeadlineError, CallerLeftError: it waited for its turn in vain.
            Whatever `call` raises; what fails together is asked again one by one, but for an `UnavailableError`.
        """
        request = _Request(inputs, rows_of(inputs), form_of(inputs), deadline)
        with self._lock:
            queue = self._queues.setdefault(request.form, _Queue())
            if queue.under_way < max(1, _ABREAST * max(1, self._servers()) // self._workers):
                queue.under_way += 1
                request.group = (request,)
            else:
                queue.waiting.append(request)
        if request.group is None:
            self._wait(request, queue)
        if request.group is not None:
            self._lead(request.group, queue)
        if request.error is not None:
            raise request.error
        return self._call(inputs, deadline) if request.answer is None else request.answer

    def _wait(self, request: _Request, queue: _Queue) -> None:
        """Until it is settled or has a group to ask for."""
        interrupt = request.deadline.interrupt
        with interrupt.ending(request.woken.set) if interrupt else nullcontext():
            while True:
                request.woken.wait(_left_s(request.deadline))
                with self._lock:
                    if request.group is not None or request.settled:
                        return
                    if _is_over(request.deadline):
                        if request in queue.waiting:  # else it travels, and its answer is nobody's
                            queue.waiting.remove(request)
                        request.deadline.remaining_s()  # raises

    def _lead(self, group: Sequence[_Request], queue: _Queue) -> None:
        """Asks for all of the group that still want an answer. Without one each is asked `alone`, by its own thread."""
        try:
            self._travel([request for request in group if not _is_over(request.deadline)])
        finally:
            with self._lock:
                self._pass_on(queue, group[0].form)
                for request in group:
                    request.alone = request.answer is None and request.error is None
                    request.woken.set()

    def _travel(self, group: Sequence[_Request]) -> None:
        try:
            match group:
                case []:
                    pass
                case [one]:
                    one.answer = self._call(one.inputs, one.deadline)
                case _:
                    self._deal(
                        self._call(
                            merged([one.inputs for one in group]), replace(_last(group).deadline, interrupt=None)
                        ),
                        group,
                    )
        except GatewayError as exc:
            if len(group) == 1 or isinstance(exc, UnavailableError):
                for request in group:
                    request.error = exc

    @staticmethod
    def _deal(outputs: Tensors, group: "Sequence[_Request]") -> None:
        """To each request its rows; to none if the outputs have not the rows of all."""
        shares = shared_out(outputs, [request.rows for request in group])
        for request, share in zip(group, shares or (), strict=False):
            request.answer = share

    def _pass_on(self, queue: _Queue, form: Hashable) -> None:
        """Hands the place to the first who waits, with those behind it as long as they fit into one call.

        Who has most time leads, for the call has that time: the others' threads go when theirs is over.
        """
        if not queue.waiting:
            queue.under_way -= 1
            if not queue.under_way:
                del self._queues[form]
            return
        group = [queue.waiting.popleft()]
        rows = group[0].rows
        while rows and queue.waiting and rows + queue.waiting[0].rows <= self._most_rows:
            group.append(queue.waiting.popleft())
            rows += group[-1].rows
        leader = _last(group)
        leader.group = group
        leader.woken.set()


def _last(group: Sequence[_Request]) -> _Request:
    """Whose time is over last; of those whose callers are still there, if any is."""
    return max(group, key=lambda request: (not _is_over(request.deadline), request.deadline.ends_at))


def _left_s(deadline: Deadline) -> float:
    return max(0.0, deadline.ends_at - deadline.clock())


def _is_over(deadline: Deadline) -> bool:
    return _left_s(deadline) == 0 or (deadline.interrupt is not None and deadline.interrupt.fired)
