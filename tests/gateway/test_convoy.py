"""Steps of texts that travel together, over a call that the test lets through."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from gateway.convoy import Convoy
from gateway.deadline import Deadline
from gateway.errors import BrokenAnswerError, CallerLeftError, DeadlineError, ModelServerDownError
from gateway.tasks.base import Tensors
from tests.support.processes import until
from wire.interrupt import Interrupt

LONG_S = 60.0


class Server:
    """Answers each row its double, once it is let; remembers the calls."""

    def __init__(self, *, open_: bool = False) -> None:
        self.calls: list[tuple[str, list[int]]] = []
        self.fault: Exception | None = None
        self.distort: Callable[[Tensors], Tensors] = lambda outputs: outputs
        self._gate = threading.Semaphore(1000 if open_ else 0)

    def let(self, calls: int = 1) -> None:
        self._gate.release(calls)

    def __call__(self, signature: str, inputs: Tensors, _deadline: Deadline) -> Tensors:
        self.calls.append((signature, inputs["token_id"].ravel().tolist()))
        assert self._gate.acquire(timeout=LONG_S)
        if self.fault:
            raise self.fault
        return self.distort({"logits": inputs["token_id"] * 2})


class Texts:
    """Texts that ask, each in a thread of its own."""

    def __init__(self, convoy: Convoy) -> None:
        self.convoy = convoy
        self._pool = ThreadPoolExecutor(16)

    def ask(
        self, who: str, *rows: int, signature: str = "decode", deadline: Deadline | None = None, width: int = 1
    ) -> "Future[list[int]]":
        inputs = {"token_id": np.repeat(np.array(rows)[:, np.newaxis], width, axis=1)}

        def answer() -> list[int]:
            outputs = self.convoy.ask(who, signature, inputs, deadline or Deadline.after(LONG_S))
            return [int(row[0]) for row in outputs["logits"]]

        return self._pool.submit(answer)

    def wait_for(self, count: int) -> None:
        until(lambda: len(self.convoy._waiting) == count, f"{count} wait")


def both(server: Server, **options: Any) -> Texts:
    return Texts(Convoy(server, 4, **{"patience": 0.0, **options}))


def test_those_who_come_while_a_call_is_under_way_go_together_with_the_next() -> None:
    server = Server()
    texts = both(server)
    first = texts.ask("a", 1)
    until(lambda: bool(server.calls), "the first call is under way")
    others = [texts.ask(who, row) for who, row in (("b", 2), ("c", 3))]
    texts.wait_for(2)
    server.let(2)
    assert first.result(LONG_S) == [2]
    assert [other.result(LONG_S) for other in others] == [[4], [6]]
    assert [sorted(rows) for _, rows in server.calls] == [[1], [2, 3]]


def test_a_call_has_no_more_rows_than_the_server_has_slots() -> None:
    server = Server()
    texts = both(server)
    texts.ask("a", 1)
    until(lambda: bool(server.calls), "the first call is under way")
    others = [texts.ask(str(row), row, row + 100) for row in (2, 3, 4)]
    texts.wait_for(3)
    server.let(3)
    for other in others:
        assert len(other.result(LONG_S)) == 2
    assert [len(rows) for _, rows in server.calls] == [1, 4, 2]


def test_texts_that_grow_and_prompts_of_other_widths_take_turns() -> None:
    server = Server()
    texts = both(server)
    texts.ask("a", 1)
    until(lambda: bool(server.calls), "the first call is under way")
    waiting = []
    for number, (row, signature, width) in enumerate(((5, "prefill", 8), (6, "decode", 1), (7, "prefill", 8))):
        waiting.append(texts.ask(str(row), row, signature=signature, width=width))
        texts.wait_for(number + 1)
    server.let(3)
    assert [one.result(LONG_S) for one in waiting] == [[10], [12], [14]]
    assert [signature for signature, _ in server.calls] == ["decode", "prefill", "decode"]


def test_a_call_waits_for_those_who_were_in_the_last_one() -> None:
    server = Server()
    texts = both(server, patience=1e12, most_patience_s=LONG_S)
    first = texts.ask("z", 0)
    until(lambda: bool(server.calls), "a call is under way")
    two = [texts.ask("a", 1), texts.ask("b", 2)]
    texts.wait_for(2)
    server.let(2)
    first.result(LONG_S)
    texts.convoy.leave("z")
    for one in two:
        one.result(LONG_S)

    two = [texts.ask("a", 3)]
    texts.wait_for(1)
    two.append(texts.ask("b", 4))
    server.let()

    assert [one.result(LONG_S) for one in two] == [[6], [8]]
    assert sorted(server.calls[-1][1]) == [3, 4]


def test_nobody_waits_for_a_text_that_has_ended() -> None:
    server = Server(open_=True)
    texts = both(server, patience=1e12, most_patience_s=LONG_S)
    texts.ask("a", 1).result(LONG_S)
    other = texts.ask("b", 2)
    texts.wait_for(1)
    texts.convoy.leave("a")
    assert other.result(LONG_S) == [4]


def test_a_prompt_waits_for_no_company() -> None:
    server = Server(open_=True)
    texts = both(server, patience=1e12, most_patience_s=LONG_S)
    texts.ask("a", 1).result(LONG_S)
    assert texts.ask("b", 2, signature="prefill", width=8).result(LONG_S) == [4]


def test_who_is_slow_is_not_waited_for_long() -> None:
    server = Server(open_=True)
    texts = both(server, patience=1e12, most_patience_s=0.05)
    texts.ask("a", 1).result(LONG_S)
    assert texts.ask("b", 2).result(LONG_S) == [4]


def test_all_who_travelled_learn_what_went_wrong() -> None:
    server = Server()
    texts = both(server)
    first = texts.ask("a", 1)
    until(lambda: bool(server.calls), "the first call is under way")
    others = [texts.ask(who, 2) for who in "bc"]
    texts.wait_for(2)
    server.fault = ModelServerDownError()
    server.let(2)
    for one in (first, *others):
        with pytest.raises(ModelServerDownError):
            one.result(LONG_S)
    server.fault = None
    server.let()
    assert texts.ask("a", 3).result(LONG_S) == [6], "and the next one is asked"


def test_an_error_of_ours_reaches_who_waits_too() -> None:
    server = Server()
    server.fault = ZeroDivisionError()
    server.let()
    with pytest.raises(ZeroDivisionError):
        both(server).ask("a", 1).result(LONG_S)


def test_other_rows_than_were_asked_are_no_answer() -> None:
    server = Server(open_=True)
    server.distort = lambda outputs: {"logits": np.repeat(outputs["logits"], 2, axis=0)}
    with pytest.raises(BrokenAnswerError, match="other rows"):
        both(server).ask("a", 1).result(LONG_S)


def test_who_has_no_time_left_does_not_wait_and_the_others_are_answered() -> None:
    server = Server()
    texts = both(server)
    first = texts.ask("a", 1)
    until(lambda: bool(server.calls), "the first call is under way")
    late = texts.ask("b", 2, deadline=Deadline.after(0.05))
    with pytest.raises(DeadlineError):
        late.result(LONG_S)
    other = texts.ask("c", 3)
    server.let(2)
    assert (first.result(LONG_S), other.result(LONG_S)) == ([2], [6])
    assert server.calls[1][1] == [3]


def test_who_leaves_while_it_travels_leaves_the_others_their_answers() -> None:
    server = Server()
    texts = both(server)
    texts.ask("z", 0)
    until(lambda: bool(server.calls), "a call is under way")
    interrupt = Interrupt()
    gone = texts.ask("a", 1, deadline=Deadline.after(LONG_S, interrupt=interrupt))
    stays = texts.ask("b", 2)
    texts.wait_for(2)
    server.let()
    until(lambda: len(server.calls) == 2, "both travel")
    interrupt.fire()
    with pytest.raises(CallerLeftError):
        gone.result(LONG_S)
    server.let()
    assert stays.result(LONG_S) == [4]


def test_its_thread_ends_when_there_is_nothing_to_do_and_comes_back() -> None:
    server = Server(open_=True)
    texts = both(server, rest_s=0.01)
    assert texts.ask("a", 1).result(LONG_S) == [2]
    until(lambda: texts.convoy._thread is None, "the thread ends")
    assert texts.ask("a", 2).result(LONG_S) == [4]
