"""Requests to one version that travel together: while calls of their form are under way, others gather for the next.

A call to a model server costs the gateway more than its rows do, so many small requests are asked as one. Nobody waits
for company that may come: a request goes at once as long as few of its form are under way. Rows of other lengths are of
one form where they may be filled up.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from gateway.deadline import Deadline
from gateway.errors import GatewayError, UnavailableError
from gateway.padding import Pace, Padding, companions
from gateway.rows import form_of, merged, rows_of, shared_out
from gateway.tasks.base import Tensors

Call = Callable[[Tensors, Deadline], Tensors]

ABREAST = 2  # of all workers together, one of each at least: while one is computed the next is sent


@dataclass
class _Queue:
    """Of the requests of one form: how many calls are under way, and who waits."""

    under_way: int = 0
    waiting: "deque[_Request]" = field(default_factory=deque)


@dataclass(eq=False)
class _Request:
    """Waits in the queue, or travels in the group of the one that leads it, and then has an answer.

    Attributes:
        length: of its rows, where those of others may be filled up; else 0.
        group: of which this one is, and which its thread is to ask for.
        woken: set when there is something new for it, if it waits.
        alone: it must be asked by itself, for together there was no answer.
    """

    inputs: Tensors
    rows: int
    form: Hashable
    length: int
    deadline: Deadline
    woken: threading.Event | None = None
    group: "Sequence[_Request] | None" = None
    answer: Tensors | None = None
    error: GatewayError | None = None
    alone: bool = False

    def wake(self) -> None:
        if self.woken is not None:
            self.woken.set()

    @property
    def settled(self) -> bool:
        return self.answer is not None or self.error is not None or self.alone


class Company:
    """Safe to share between threads."""

    def __init__(
        self,
        call: Call,
        most_rows: int,
        servers: Callable[[], int] = lambda: 1,
        *,
        workers: int = 1,
        padding: Padding | None = None,
        pace: Pace | None = None,
    ) -> None:
        """
        Args:
            call: asks a model server; a row's answer must not depend on the others.
            most_rows: in one call; a request that has more goes by itself.
            servers: among which the calls are dealt out.
            workers: processes that do the same.
            padding: how rows of unlike lengths may go together.
            pace: what it costs to fill them up.
        """
        self._call = call
        self._most_rows = most_rows
        self._servers = servers
        self._workers = workers
        self._padding = padding
        self._pace = pace or Pace()
        self._lock = threading.Lock()
        self._queues: dict[Hashable, _Queue] = {}  # by form, of those under way

    def ask(self, inputs: Tensors, deadline: Deadline) -> Tensors:
        """The outputs for these inputs, by themselves or among others.

        Raises:
            DeadlineError, CallerLeftError: it waited for its turn in vain.
            Whatever `call` raises; what fails together is asked again one by one, but for an `UnavailableError`.
        """
        request = self._request(inputs, deadline)
        with self._lock:
            queue = self._queues.setdefault(request.form, _Queue())
            if queue.under_way < self._abreast:
                queue.under_way += 1
                request.group = (request,)
            else:
                request.woken = threading.Event()
                queue.waiting.append(request)
        if request.woken is not None:
            self._wait(request, request.woken, queue)
        if request.group is not None:
            self._lead(request.group, queue)
        if request.error is not None:
            raise request.error
        return self._call(inputs, deadline) if request.answer is None else request.answer

    @property
    def _abreast(self) -> int:
        """Calls of a form at a time. Where lengths differ there is one form, and if its calls are long as well, a
        server that waits for the next costs more than smaller groups do.
        """
        calls = ABREAST * max(1, self._servers())
        return calls if self._padding and self._pace.tokens_are_dear else max(1, calls // self._workers)

    def _request(self, inputs: Tensors, deadline: Deadline) -> _Request:
        rows = rows_of(inputs)
        if self._padding is None or not rows:
            return _Request(inputs, rows, form_of(inputs), 0, deadline)
        given = inputs[self._padding.input]
        return _Request(inputs, rows, given.dtype.str, given.shape[1], deadline)

    def _wait(self, request: _Request, woken: threading.Event, queue: _Queue) -> None:
        """Until it is settled or has a group to ask for."""
        interrupt = request.deadline.interrupt
        with interrupt.ending(woken.set) if interrupt else nullcontext():
            while True:
                woken.wait(_left_s(request.deadline))
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
                    request.wake()

    def _travel(self, group: Sequence[_Request]) -> None:
        try:
            match group:
                case []:
                    pass
                case [one]:
                    one.answer = self._call(one.inputs, one.deadline)
                case _:
                    deadline = replace(_last(group).deadline, interrupt=None)
                    self._deal(self._call(self._merged(group), deadline), group)
        except GatewayError as exc:
            if len(group) == 1 or isinstance(exc, UnavailableError):
                for request in group:
                    request.error = exc

    def _merged(self, group: "Sequence[_Request]") -> Tensors:
        if self._padding is None:
            return merged([one.inputs for one in group])
        longest = max(one.length for one in group)
        return merged([self._padding.filled(one.inputs, longest) for one in group])

    @staticmethod
    def _deal(outputs: Tensors, group: "Sequence[_Request]") -> None:
        """To each request its rows; to none if the outputs have not the rows of all."""
        shares = shared_out(outputs, [request.rows for request in group])
        for request, share in zip(group, shares or (), strict=False):
            request.answer = share

    def _pass_on(self, queue: _Queue, form: Hashable) -> None:
        """Hands the place to the first who waits, with those behind it that fit into one call.

        Who has most time leads, for the call has that time: the others' threads go when theirs is over.
        """
        if not queue.waiting:
            queue.under_way -= 1
            if not queue.under_way:
                del self._queues[form]
            return
        first = queue.waiting.popleft()
        sizes = [(request.rows, request.length) for request in queue.waiting]
        with_it = companions((first.rows, first.length), sizes, self._most_rows, self._pace.call_tokens)
        group = [first, *(queue.waiting[place] for place in with_it)]
        for request in group[1:]:
            queue.waiting.remove(request)
        leader = _last(group)
        leader.group = group
        leader.wake()


def _last(group: Sequence[_Request]) -> _Request:
    """Whose time is over last; of those whose callers are still there, if any is."""
    return max(group, key=lambda request: (not _is_over(request.deadline), request.deadline.ends_at))


def _left_s(deadline: Deadline) -> float:
    return max(0.0, deadline.ends_at - deadline.clock())


def _is_over(deadline: Deadline) -> bool:
    return _left_s(deadline) == 0 or (deadline.interrupt is not None and deadline.interrupt.fired)
