"""The form of a line."""

import io
import json
from datetime import UTC, datetime

from serving.metrics import Metrics
from serving.request_metrics import Answered
from serving.rest.access_log import AccessLog


def write(log: AccessLog, path: str = "/") -> None:
    log.write(
        client="127.0.0.1:5",
        method="POST",
        path=path,
        status=200,
        bytes_in=1,
        bytes_out=2,
        seconds=0.0012345,
        what=Answered("ü", "3", "s"),
    )


def test_a_request_is_one_json_object_on_one_line() -> None:
    stream = io.StringIO()
    log = AccessLog(stream, Metrics().access_log_dropped, lambda: datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=UTC))
    path = '/v1/models/ü"\n\x9b31m\u2028:predict'
    write(log, path)
    log.close()
    text = stream.getvalue()
    assert text.isascii()
    (line,) = text.splitlines()
    assert json.loads(line) == {
        "time": "2026-01-02T03:04:05.678+00:00",
        "client": "127.0.0.1:5",
        "method": "POST",
        "path": path,
        "status": 200,
        "bytes_in": 1,
        "bytes_out": 2,
        "ms": 1.234,
        "model": "ü",
        "version": "3",
    }
