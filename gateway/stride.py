"""How many tokens of a text are written in one call, where nobody reads along."""

import threading

from gateway.waiting import smoothed

_MOST_S = 0.05  # so long a text that is new waits, at most, until it can join
_MOST_STEPS = 64


class Stride:
    """Of one version on one model server. Safe to share between threads."""

    def __init__(self, most_s: float = _MOST_S) -> None:
        self._most_s = most_s
        self._lock = threading.Lock()
        self._step_s: float | None = None

    @property
    def steps(self) -> int:
        """As many as a call of `most_s` takes by what is known; one while nothing is."""
        with self._lock:
            return 1 if self._step_s is None else max(1, min(_MOST_STEPS, int(self._most_s / max(self._step_s, 1e-9))))

    def took(self, seconds: float, steps: int) -> None:
        """A call of so many steps did."""
        with self._lock:
            self._step_s = smoothed(self._step_s, seconds / max(1, steps))
