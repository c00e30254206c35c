"""Whoever waits too long is ended, once; who was in time is not."""

from gateway.grpc.patience import Patience


def test_only_those_who_wait_too_long_are_ended() -> None:
    now = [0.0]
    patience = Patience(10.0, lambda: now[0])
    ended: list[str] = []
    with patience.waiting(lambda: ended.append("in time")):
        now[0] = 9.9
        patience.end_overdue()
    with patience.waiting(lambda: ended.append("early")):
        now[0] = 15.0
        with patience.waiting(lambda: ended.append("late")):
            now[0] = 19.9
            patience.end_overdue()
            assert ended == ["early"]
            patience.end_overdue()
    now[0] = 100.0
    patience.end_overdue()
    assert ended == ["early"]
