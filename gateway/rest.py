"""A moment in which others may come along."""

import threading
from contextlib import nullcontext

from gateway.deadline import Deadline

_MOMENT_S = 0.05


def rest(deadline: Deadline) -> None:
    """Waits a moment. Raises `DeadlineError` when the time is over, and `CallerLeftError` when nobody waits."""
    woken = threading.Event()
    interrupt = deadline.interrupt
    with interrupt.ending(woken.set) if interrupt else nullcontext():
        woken.wait(min(_MOMENT_S, deadline.remaining_s()))
    deadline.remaining_s()
