"""The access log of REST: one JSON object per request and line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from serving.metrics import Counter
from serving.request_metrics import Answered
from wire.log_lines import LogLines


class AccessLog:
    """Writes to `stream`. Lines that are lost are counted in `dropped`. Thread-safe."""

    def __init__(
        self, stream: TextIO, dropped: Counter, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._now = now
        self._lines = LogLines(stream, dropped.inc)

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
        self._lines.write(json.dumps(line))  # ASCII: no terminal or reader takes a path for a command

    def close(self) -> None:
        """Returns when what waits has been written, or nobody seems to read it. Nothing is written to it afterwards."""
        self._lines.close()
