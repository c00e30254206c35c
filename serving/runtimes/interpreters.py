"""A pool of LiteRT interpreters: each runs one request at a time, its memory laid out for the shapes it saw last."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from serving.errors import Code, RequestError
from wire.tensors import Array

Run = Callable[[str, Mapping[str, Array]], Mapping[str, Array]]
"""One interpreter: a signature and its inputs by alias to its outputs by alias, which are the caller's."""

_Form = tuple[str, tuple[tuple[int, ...], ...]]  # a signature and the shapes of its inputs


class Interpreters:
    """At most `size` interpreters, made when they are needed. Thread-safe.

    A request takes one that ran its shapes last, or else the one unused for longest, whose memory is laid out anew.
    """

    def __init__(self, make: Callable[[], Run], size: int) -> None:
        self.size = size
        self._make = make
        self._made = 0
        self._idle: list[tuple[_Form, Run]] = []  # unused for longest first
        self._changed = threading.Condition()

    def run(self, signature: str, inputs: Mapping[str, Array], timeout_s: float | None) -> Mapping[str, Array]:
        """Raises:

        RequestError: no interpreter became free in time, or the model refuses the inputs.
        """
        form = (signature, tuple(array.shape for array in inputs.values()))
        with self._borrowed(form, timeout_s) as run:
            try:
                return run(signature, inputs)
            except (RuntimeError, ValueError) as exc:
                raise RequestError(Code.INVALID_ARGUMENT, str(exc)) from exc

    def close(self) -> None:
        """Gives the memory of all of them back. No call is in flight."""
        with self._changed:
            self._made -= len(self._idle)
            self._idle.clear()

    @contextmanager
    def _borrowed(self, form: _Form, timeout_s: float | None) -> Iterator[Run]:
        """An interpreter, which does not come back if it fails: it would repeat that complaint with every later one."""
        run = self._take(form, timeout_s)
        try:
            if run is None:
                run = self._make()
            yield run
        except BaseException:
            with self._changed:
                self._made -= 1
                self._changed.notify()
            raise
        with self._changed:
            self._idle.append((form, run))
            self._changed.notify()

    def _take(self, form: _Form, timeout_s: float | None) -> Run | None:
        """An idle one; None: the caller is to make one."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._idle or self._made < self.size, timeout_s):
                raise RequestError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
            if not self._idle:
                self._made += 1
                return None
            same = (at for at in reversed(range(len(self._idle))) if self._idle[at][0] == form)
            return self._idle.pop(next(same, 0))[1]
