"""The same request on a second server, when the first takes long: the earlier answer counts."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from contextvars import copy_context
from typing import TypeVar

from wire.interrupt import Interrupt

_T = TypeVar("_T")

Attempt = Callable[[Interrupt], _T]  # ends soon after its interrupt fires


class Hedge:
    """Safe to share between threads. Only for what may be done twice."""

    def __init__(self, after_s: float, threads: int) -> None:
        self._after_s = after_s
        self._threads = ThreadPoolExecutor(2 * threads, thread_name_prefix="hedge")

    def run(self, first: Attempt[_T], second: Callable[[], Attempt[_T] | None], caller: Interrupt | None) -> _T:
        """What the first attempt gives, or the second if that is earlier; the other is interrupted.

        `second` is asked for once the first has taken too long; it may give None. When one fails, the other one counts;
        when both do, the first. An interrupt of the caller's is passed on to them.

        Raises:
            Whatever the attempts raise.
        """
        with ExitStack() as caller_leaves:
            running: dict[Future[_T], Interrupt] = {}

            def begin(attempt: Attempt[_T]) -> Future[_T]:
                interrupt = Interrupt()
                if caller:
                    caller_leaves.enter_context(caller.ending(interrupt.fire))
                future = self._threads.submit(copy_context().run, attempt, interrupt)  # the trace goes on there
                running[future] = interrupt
                return future

            begun = [begin(first)]
            done, _ = wait(begun, timeout=self._after_s)
            another = None if done else second()
            if another:
                begun.append(begin(another))
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    del running[future]
                    if future.exception() is None:
                        for interrupt in running.values():
                            interrupt.fire()
                        return future.result()
            return begun[0].result()
