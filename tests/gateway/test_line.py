"""The line of those who found no slot."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.deadline import Deadline
from gateway.errors import CallerLeftError, DeadlineError
from gateway.line import Line
from tests.support.processes import until
from wire.interrupt import Interrupt

LONG_S = 60.0


def waiting(line: Line) -> int:
    return len(line._waiting)


def test_the_first_one_looks_again_by_itself() -> None:
    with Line(look_s=0.01).place(Deadline.after(LONG_S)) as wait:
        wait()
        wait()


def test_the_first_one_looks_when_something_is_given_back() -> None:
    line, looked = Line(look_s=LONG_S), threading.Event()

    def stand() -> None:
        with line.place(Deadline.after(LONG_S)) as wait:
            wait()
            looked.set()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(stand)
        until(lambda: waiting(line) == 1, "it waits")
        line.given_back()
        assert looked.wait(LONG_S)
        done.result(LONG_S)


def test_first_come_first_served() -> None:
    line, served = Line(look_s=0.01), []
    gates = [threading.Event() for _ in range(3)]

    def stand(number: int) -> None:
        with line.place(Deadline.after(LONG_S)) as wait:
            wait()
            served.append(number)
            assert gates[number].wait(LONG_S)

    with ThreadPoolExecutor(3) as pool:
        done = []
        for number in range(3):
            done.append(pool.submit(stand, number))
            until(lambda: waiting(line) == number + 1, "another waits")  # noqa: B023 (it is called at once)
        for number in range(3):
            until(lambda: served == list(range(number + 1)), "the next is served")  # noqa: B023 (it is called at once)
            gates[number].set()
        for one in done:
            one.result(LONG_S)
    assert waiting(line) == 0


def test_who_has_no_time_left_leaves_the_line() -> None:
    line = Line(look_s=LONG_S)
    with pytest.raises(DeadlineError), line.place(Deadline.after(0.05)) as wait:
        wait()
    assert waiting(line) == 0


def test_whose_caller_left_leaves_the_line() -> None:
    line, interrupt = Line(look_s=LONG_S), Interrupt()

    def stand() -> None:
        with line.place(Deadline.after(LONG_S, interrupt=interrupt)) as wait:
            wait()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(stand)
        until(lambda: waiting(line) == 1, "it waits")
        interrupt.fire()
        with pytest.raises(CallerLeftError):
            done.result(LONG_S)
    assert waiting(line) == 0
