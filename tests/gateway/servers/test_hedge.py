"""The same request on two servers."""

import threading

import pytest

from gateway.servers.hedge import Hedge
from wire.interrupt import Interrupt


class Stuck:
    """An attempt that ends only by its interrupt."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()

    def __call__(self, interrupt: Interrupt) -> str:
        released = threading.Event()
        with interrupt.ending(released.set):
            self.begun.set()
            assert released.wait(60)
        self.ended.set()
        raise InterruptedError


def failing(interrupt: Interrupt) -> str:
    raise LookupError


def unasked() -> None:
    pytest.fail("no second server is needed")


def test_a_quick_answer_needs_no_second_server() -> None:
    assert Hedge(60, 2).run(lambda _: "first", unasked, None) == "first"


def test_the_earlier_answer_counts_and_the_other_attempt_is_interrupted() -> None:
    stuck = Stuck()
    assert Hedge(0.001, 2).run(stuck, lambda: lambda _: "second", None) == "second"
    assert stuck.ended.wait(60)


def test_the_first_may_still_be_the_earlier_one() -> None:
    second = Stuck()

    def first(_: Interrupt) -> str:
        assert second.begun.wait(60)
        return "first"

    assert Hedge(0.001, 2).run(first, lambda: second, None) == "first"
    assert second.ended.wait(60)


def test_where_there_is_no_second_server_the_first_is_waited_for() -> None:
    asked = threading.Event()

    def first(_: Interrupt) -> str:
        assert asked.wait(60)
        return "first"

    assert Hedge(0.001, 2).run(first, asked.set, None) == "first"


def test_a_failure_is_not_an_answer_while_the_other_may_have_one() -> None:
    failed = threading.Event()

    def first(_: Interrupt) -> str:
        assert failed.wait(60)
        return "first"

    def second(_: Interrupt) -> str:
        failed.set()
        raise LookupError

    assert Hedge(0.001, 2).run(first, lambda: second, None) == "first"


def test_what_both_fail_with_is_the_firsts() -> None:
    slow = threading.Event()

    def first(_: Interrupt) -> str:
        assert slow.wait(60)
        raise KeyError

    def second(_: Interrupt) -> str:
        slow.set()
        raise IndexError

    with pytest.raises(KeyError):
        Hedge(0.001, 2).run(first, lambda: second, None)


def test_a_quick_failure_is_told_at_once() -> None:
    with pytest.raises(LookupError):
        Hedge(60, 2).run(failing, unasked, None)


def test_a_caller_who_leaves_ends_both() -> None:
    first, second, caller = Stuck(), Stuck(), Interrupt()

    def leave() -> None:
        assert second.begun.wait(60)
        caller.fire()

    threading.Thread(target=leave).start()
    with pytest.raises(InterruptedError):
        Hedge(0.001, 2).run(first, lambda: second, caller)
    assert second.ended.wait(60)
