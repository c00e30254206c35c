"""The form of a line, and readers of the log that do not read."""

import io
import json
import threading
from datetime import UTC, datetime

import pytest

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


class Stuck(io.StringIO):
    """A pipe that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.resume = threading.Event(), threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        assert self.resume.wait(60)
        return super().write(text)


def test_a_reader_that_does_not_read_costs_lines_and_keeps_nobody_waiting() -> None:
    stream, dropped = Stuck(), Metrics().access_log_dropped
    log = AccessLog(stream, dropped, most_waiting=3)
    write(log)
    assert stream.entered.wait(60)
    for _ in range(10):
        write(log)
    assert dropped.total() == 7
    stream.resume.set()
    log.close()
    assert stream.getvalue().count("\n") == 4


class Gone(io.StringIO):
    """A pipe whose reader has ended."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_went_away_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    dropped = Metrics().access_log_dropped
    log = AccessLog(Gone(), dropped)
    for _ in range(10):
        write(log)
    log.close()
    assert dropped.total() == 10
    assert caplog.text.count("the access log ends: ") == 1
