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
