"""What ends a running call from another thread."""

from wire.interrupt import Interrupt


def test_it_fires_once_for_what_runs() -> None:
    interrupt, ended = Interrupt(), []
    with interrupt.ending(lambda: ended.append("over")):
        pass
    with interrupt.ending(lambda: ended.append("one")), interrupt.ending(lambda: ended.append("two")):
        assert not interrupt.fired
        interrupt.fire()
        interrupt.fire()
    assert ended == ["one", "two"]
    assert interrupt.fired


def test_what_begins_after_it_fired_ends_at_once() -> None:
    interrupt, ended = Interrupt(), []
    interrupt.fire()
    with interrupt.ending(lambda: ended.append("late")):
        assert ended == ["late"]
