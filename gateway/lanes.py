"""A request of many rows of unlike lengths: asked in groups of like ones, some at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, wait
from contextvars import copy_context
from threading import Lock

import numpy as np

from gateway.company import Call
from gateway.deadline import Deadline
from gateway.padding import Pace, Padding, divided
from gateway.tasks.base import Tensors


class Lanes:
    """Safe to share between threads."""

    def __init__(
        self,
        together: Call,
        alone: Call,
        padding: Padding,
        pace: Pace,
        *,
        helpers: Executor,
        abreast: Callable[[], int],
    ) -> None:
        """
        Args:
            together: asks in company, for what is not divided.
            alone: asks by itself: a group is company enough.
            helpers: threads that ask beside the caller's; where they are busy it asks for all by itself.
            abreast: calls of one request under way at a time.
        """
        self._together = together
        self._alone = alone
        self._padding = padding
        self._pace = pace
        self._helpers = helpers
        self._abreast = abreast

    def ask(self, inputs: Tensors, deadline: Deadline) -> Tensors:
        """The outputs for these inputs, in their order.

        Raises:
            Whatever the calls raise: the first error there is ends all that has not begun.
        """
        if inputs[self._padding.input].shape[0] < 2:
            return self._together(inputs, deadline)
        lengths = self._padding.lengths(inputs)
        groups = divided(lengths, self._pace.call_tokens)
        if len(groups) == 1:
            return self._together(inputs, deadline)
        parts = [self._padding.cut(inputs, rows, int(lengths[rows].max())) for rows in groups]
        answers = self._answers(parts, deadline)
        back = np.argsort(np.concatenate(groups))
        return {name: np.concatenate([one[name] for one in answers])[back] for name in answers[0]}

    def _answers(self, parts: Sequence[Tensors], deadline: Deadline) -> list[Tensors]:
        answers: list[Tensors] = [{}] * len(parts)
        left, taking = iter(range(len(parts))), Lock()

        def lane() -> None:
            while True:
                with taking:
                    number = next(left, None)
                if number is None:
                    return
                try:
                    answers[number] = self._alone(parts[number], deadline)
                except BaseException:
                    with taking:
                        list(left)  # nobody needs the others' answers any more
                    raise

        # Each in a copy of this thread's context, which knows the span that the calls belong to.
        beside = [self._helpers.submit(copy_context().run, lane) for _ in range(min(self._abreast(), len(parts)) - 1)]
        try:
            lane()
        finally:
            begun = [helper for helper in beside if not helper.cancel()]  # the others have nothing left to do
            wait(begun)
        for helper in begun:
            helper.result()
        return answers
