"""The access log of REST: one JSON object per request and line."""

import json
import logging
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from serving.metrics import Counter
from serving.request_metrics import Answered

_log = logging.getLogger(__name__)

_MOST_WAITING = 10_000  # lines
_PATIENCE_S = 1.0  # at the end, with a stream that nobody reads


class AccessLog:
    """Writes to `stream` from a thread of its own: requests never wait for whoever reads it. Thread-safe.

    Lines beyond those that may wait, and all after the stream has failed, are counted in `dropped` instead.
    """

    def __init__(
        self,
        stream: TextIO,
        dropped: Counter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._stream = stream
        self._dropped = dropped
        self._now = now
        self._lines: queue.Queue[str | None] = queue.Queue(most_waiting)  # None: the end
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def write(
        self,
        *,
        client: str,
        method: str,
        path: str,
        status: int,
        bytes_in: int,
        bytes_out: int,
        seconds: float,
        what: Answered,
    ) -> None:
        """`bytes_in` and `bytes_out` are those of the bodies as sent; `what` is empty for requests of no model."""
        line = {
            "time": self._now().isoformat(timespec="milliseconds"),
            "client": client,
            "method": method,
            "path": path,
            "status": status,
            "bytes_in": bytes_in,
            "bytes_out": bytes_out,
            "ms": round(seconds * 1e3, 3),
            "model": what.model,
            "version": what.version,
        }
        try:
            self._lines.put_nowait(json.dumps(line) + "\n")  # ASCII: no terminal or reader takes a path for a command
        except queue.Full:
            self._dropped.inc()

    def close(self) -> None:
        """Returns when what waits has been written, or nobody seems to read it. Nothing is written to it afterwards."""
        try:
            self._lines.put(None, timeout=_PATIENCE_S)
        except queue.Full:
            return
        self._thread.join(_PATIENCE_S)

    def _run(self) -> None:
        broken = False
        while (line := self._lines.get()) is not None:
            broken = broken or not self._written(line)
            if broken:
                self._dropped.inc()

    def _written(self, line: str) -> bool:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError) as exc:  # nobody is there to read it, or it was closed
            _log.warning("the access log ends: %s", exc)
            return False
        return True
