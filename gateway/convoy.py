"""Steps of texts that travel together: many texts grow in one call, and one that is new joins while others go on."""

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

from gateway.deadline import Clock, Deadline
from gateway.errors import BrokenAnswerError
from gateway.rows import form_of, merged, rows_of, shared_out
from gateway.tasks.base import Tensors
from gateway.waiting import smoothed
from store.manifest import DECODE_SIGNATURE

Call = Callable[[str, Tensors, Deadline], Tensors]  # a signature, its inputs, the time for it

_PATIENCE = 0.25
_MOST_PATIENCE_S = 0.02
_REST_S = 5.0


@dataclass(eq=False)
class _Step:
    """Waits, or travels, and then has an answer or an error."""

    who: object
    signature: str
    inputs: Tensors
    form: Hashable
    deadline: Deadline
    woken: threading.Event = field(default_factory=threading.Event)
    answer: Tensors | None = None
    error: Exception | None = None

    @property
    def settled(self) -> bool:
        return self.answer is not None or self.error is not None

    @property
    def rows(self) -> int:
        return rows_of(self.inputs)


class Convoy:
    """Asks one model server for the steps of one version's texts. Safe to share between threads.

    One call is under way at a time: two would share the same processors. Steps that come meanwhile wait for the next;
    the one that has waited longest goes first, and with it all of its form. So prompts, which are read in pieces, and
    texts that grow take turns. A text that was answered asks again soon: the next call waits for it, but no longer than
    a fraction of what a call takes.
    """

    def __init__(
        self,
        call: Call,
        most_rows: int,
        clock: Clock = time.monotonic,
        *,
        patience: float = _PATIENCE,
        most_patience_s: float = _MOST_PATIENCE_S,
        rest_s: float = _REST_S,
    ) -> None:
        """
        Args:
            call: asks the model server; what a row is answered must not depend on the others.
            most_rows: in one call.
            patience: of what a call takes: so long the next one waits for those who were in the last, but no longer
                than `most_patience_s`.
            rest_s: after so long without work its thread ends.
        """
        self._call = call
        self._most_rows = most_rows
        self._clock = clock
        self._patience, self._most_patience_s = patience, most_patience_s
        self._rest_s = rest_s
        self._changed = threading.Condition()
        self._waiting: list[_Step] = []
        self._away: set[object] = set()  # answered in the last call, and not back yet
        self._ended_at = clock()
        self._mean_s: float | None = None
        self._thread: threading.Thread | None = None

    def ask(self, who: object, signature: str, inputs: Tensors, deadline: Deadline) -> Tensors:
        """The outputs for these rows, which are `who`'s, by themselves or among others.

        Raises:
            DeadlineError, CallerLeftError: it was not answered in time.
            Whatever `call` raises.
        """
        step = _Step(who, signature, inputs, (signature, form_of(inputs)), deadline)
        with self._changed:
            self._away.discard(who)
            self._waiting.append(step)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="convoy", daemon=True)
                self._thread.start()
        self._wait(step)
        if step.error is not None:
            raise step.error
        if step.answer is None:
            raise BrokenAnswerError(f"{signature} answered other rows than it was asked")
        return step.answer

    def leave(self, who: object) -> None:
        """Who leaves asks no more."""
        with self._changed:
            self._away.discard(who)
            self._changed.notify_all()

    def _wait(self, step: _Step) -> None:
        interrupt = step.deadline.interrupt
        with interrupt.ending(step.woken.set) if interrupt else nullcontext():
            while not step.settled:
                step.woken.wait(max(0.0, step.deadline.ends_at - self._clock()))
                step.woken.clear()
                with self._changed:
                    if not step.settled and _is_over(step):
                        if step in self._waiting:  # else it travels, and its answer is nobody's
                            self._waiting.remove(step)
                        step.deadline.remaining_s()  # raises

    def _run(self) -> None:
        try:
            self._drive()
        finally:
            with self._changed:
                if self._thread is threading.current_thread():  # it fell: the next one who asks starts another
                    self._thread = None

    def _drive(self) -> None:
        while group := self._gathered():
            began = self._clock()
            self._travel(group)
            with self._changed:
                self._ended_at = self._clock()
                self._mean_s = smoothed(self._mean_s, self._ended_at - began)
                self._away.update(step.who for step in group if step.answer is not None)
            for step in group:
                step.woken.set()

    def _gathered(self) -> Sequence[_Step]:
        """The steps of the next call; none when nobody has asked for a while."""
        with self._changed:
            while True:
                if not self._changed.wait_for(lambda: self._waiting, self._rest_s):
                    self._thread = None
                    return ()
                if self._waiting[0].signature == DECODE_SIGNATURE:
                    until = self._ended_at + min(self._most_patience_s, self._patience * (self._mean_s or 0.0))
                    self._changed.wait_for(lambda: not self._is_worth_waiting(), max(0.0, until - self._clock()))
                    self._away.clear()
                if self._waiting:  # else all of them have left meanwhile
                    return self._next_group()

    def _is_worth_waiting(self) -> bool:
        """Others may come, and find room."""
        return bool(self._waiting and self._away) and self._rows_of(self._waiting[0].form) < self._most_rows

    def _rows_of(self, form: Hashable) -> int:
        return sum(step.rows for step in self._waiting if step.form == form)

    def _next_group(self) -> Sequence[_Step]:
        group: list[_Step] = []
        for step in self._waiting:
            room = self._most_rows - sum(one.rows for one in group)
            if not group or (step.form == group[0].form and step.rows <= room):
                group.append(step)
        self._waiting = [step for step in self._waiting if step not in group]
        return group

    def _travel(self, group: Sequence[_Step]) -> None:
        longest = max((step.deadline for step in group), key=lambda deadline: deadline.ends_at)
        deadline = Deadline(longest.limit_s, longest.ends_at, longest.clock)  # nobody's leaving ends it
        try:
            outputs = self._call(group[0].signature, merged([step.inputs for step in group]), deadline)
            shares = shared_out(outputs, [step.rows for step in group])
            if shares is None:
                raise BrokenAnswerError(f"{group[0].signature} answered other rows than it was asked")
            for step, share in zip(group, shares, strict=True):
                step.answer = share
        except Exception as exc:  # whatever it is, those who wait for it are to know
            for step in group:
                step.error = exc


def _is_over(step: _Step) -> bool:
    interrupt = step.deadline.interrupt
    return step.deadline.ends_at <= step.deadline.clock() or (interrupt is not None and interrupt.fired)
