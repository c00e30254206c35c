"""The access log: one JSON object per request and line, on standard output. Never a payload, a header or a query."""

import json
import sys
from datetime import UTC, datetime
from typing import TextIO

from prometheus_client import Counter

from gateway.trace import Trace
from wire.log_lines import LogLines

_LONGEST_PATH = 256


class AccessLog:
    """Writes from a thread of its own: no request waits for whoever reads the log. Safe to share between threads."""

    def __init__(self, dropped: Counter, stream: TextIO | None = None) -> None:
        """`dropped` counts lines that were lost. The stream is standard output if None."""
        self._lines = LogLines(stream or sys.stdout, dropped.inc)

    def write(
        self,
        trace: Trace,
        *,
        client: str | None,
        method: str,
        path: str,
        dialect: str,
        status: int,
        bytes_out: int | None,
    ) -> None:
        """`bytes_out` is None where it is not known beforehand: of a streamed answer."""
        version = trace.version
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request_id": trace.request_id,
            "trace_id": trace.trace_id,
            "client": client,
            "method": method,
            "path": path[:_LONGEST_PATH],
            "dialect": dialect,
            "model": trace.model,
            "version": version.number if version else None,
            "status": status,
            "bytes_in": trace.bytes_in,
            "bytes_out": bytes_out,
            "ms": round(trace.seconds() * 1000, 3),
            "stages_ms": {name: round(seconds * 1000, 3) for name, seconds in trace.stages.items()},
        }
        self._lines.write(json.dumps(line))  # ASCII: no terminal or reader takes a path for a command

    def close(self) -> None:
        """Returns once what waits has been written."""
        self._lines.close()
