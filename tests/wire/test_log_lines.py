"""Readers of a log that do not read, or come back."""

import io
import threading

import pytest

from wire.log_lines import LogLines


class Dropped:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


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
    stream, dropped = Stuck(), Dropped()
    lines = LogLines(stream, dropped, most_waiting=3)
    lines.write("first")
    assert stream.entered.wait(60)
    for number in range(10):
        lines.write(str(number))
    assert dropped.count == 7
    stream.resume.set()
    lines.close()
    assert stream.getvalue() == "first\n0\n1\n2\n"


class Full(io.StringIO):
    """A disk that is full, until somebody makes room."""

    def __init__(self) -> None:
        super().__init__()
        self.room, self.refused = 0, threading.Semaphore(0)

    def write(self, text: str) -> int:
        if not self.room:
            self.refused.release()
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_full_disk_is_told_of_once_and_written_to_when_it_has_room(caplog: pytest.LogCaptureFixture) -> None:
    stream, dropped = Full(), Dropped()
    lines = LogLines(stream, dropped)
    for number in range(10):
        lines.write(str(number))
        assert stream.refused.acquire(timeout=60)
    stream.room = 1
    lines.write("room")
    lines.close()
    assert (dropped.count, stream.getvalue()) == (10, "room\n")
    assert caplog.text.count("lines of the access log are lost: ") == 1


def test_after_the_end_nobody_waits() -> None:
    stream = Stuck()
    lines = LogLines(stream, Dropped(), most_waiting=1)
    lines.write("a")
    assert stream.entered.wait(60)
    lines.write("b")
    lines.close()  # returns
    stream.resume.set()
