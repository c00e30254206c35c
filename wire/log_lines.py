"""Lines of a log, written by a thread of its own: whoever answers requests never waits for whoever reads them."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import TextIO

_log = logging.getLogger(__name__)

_MOST_WAITING = 10_000
_PATIENCE_S = 1.0  # at the end, with a stream that nobody reads


class LogLines:
    """Thread-safe. `drop` is called for each line beyond those that may wait, and for each that cannot be written."""

    def __init__(self, stream: TextIO, drop: Callable[[], object], *, most_waiting: int = _MOST_WAITING) -> None:
        self._stream = stream
        self._drop = drop
        self._lines: queue.Queue[str | None] = queue.Queue(most_waiting)  # None: the end
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """`line` without its end."""
        try:
            self._lines.put_nowait(line + "\n")
        except queue.Full:
            self._drop()

    def close(self) -> None:
        """Returns when what waits has been written, or nobody seems to read it. Nothing is written to it afterwards."""
        try:
            self._lines.put(None, timeout=_PATIENCE_S)
        except queue.Full:
            return
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            if not self._written(line):
                self._drop()

    def _written(self, line: str) -> bool:
        """A full disk may have room again: the next line is tried anew."""
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError) as exc:  # no room, nobody there to read it, or closed
            if not self._failing:
                _log.warning("lines of the access log are lost: %s", exc)
            self._failing = True
            return False
        self._failing = False
        return True
