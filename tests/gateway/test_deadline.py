"""The time a request has."""

import pytest

from gateway.deadline import Deadline
from gateway.errors import DeadlineError


def test_it_runs_down_and_ends() -> None:
    now = [100.0]
    deadline = Deadline.after(2.0, lambda: now[0])
    assert deadline.remaining_s() == 2.0
    now[0] = 101.5
    assert deadline.remaining_s() == 0.5
    now[0] = 102.0
    with pytest.raises(DeadlineError, match="within 2 s"):
        deadline.remaining_s()


def test_a_text_has_more_time_than_a_request() -> None:
    now = [0.0]
    request = Deadline.after(10.0, lambda: now[0])
    now[0] = 9.0
    text = request.lengthened(120.0)
    assert (text.remaining_s(), text.within(10.0).remaining_s()) == (111.0, 10.0)
    now[0] = 115.0
    assert text.within(10.0).remaining_s() == 5.0
    assert request.lengthened(1.0).limit_s == 10.0
