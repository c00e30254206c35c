"""Requests that travel together. The server is a function that waits until it is told to go on."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import Queue

import numpy as np
import pytest

from gateway.company import Company
from gateway.deadline import Deadline
from gateway.errors import BrokenAnswerError, CallerLeftError, DeadlineError, GatewayError, ModelServerDownError
from gateway.padding import Pace, Padding
from gateway.tasks.base import Tensors
from tests.support.processes import until
from wire.interrupt import Interrupt

Answer = Callable[[Tensors], Tensors]


def double(inputs: Tensors) -> Tensors:
    return {"y": inputs["x"] * 2}


class Server:
    """Notes the calls; answers each when it is let."""

    def __init__(self, answer: Answer = double) -> None:
        self.calls: list[Tensors] = []
        self.deadlines: list[Deadline] = []
        self.arrived = threading.Semaphore(0)
        self._let: Queue[None] = Queue()
        self._answer = answer

    def __call__(self, inputs: Tensors, deadline: Deadline) -> Tensors:
        deadline.remaining_s()
        self.calls.append(inputs)
        self.deadlines.append(deadline)
        self.arrived.release()
        self._let.get(timeout=30)
        return self._answer(inputs)

    def let(self, calls: int = 1000) -> None:
        for _ in range(calls):
            self._let.put(None)

    @property
    def rows(self) -> list[int]:
        return [len(inputs["x"]) for inputs in self.calls]


class Visit:
    """Requests of many threads to one company."""

    def __init__(self, server: Server, most_rows: int = 8) -> None:
        self.server = server
        self.company = Company(server, most_rows)
        self._threads = ThreadPoolExecutor(64)

    def ask(self, *values: float, deadline: Deadline | None = None, width: int = 1) -> "Future[Tensors]":
        inputs = {"x": np.repeat(np.array(values, np.float32)[:, None], width, axis=1)}
        return self._threads.submit(self.company.ask, inputs, deadline or Deadline.after(30))

    def two_under_way(self) -> "list[Future[Tensors]]":
        """Only then others wait."""
        futures = []
        for value in (-1.0, -2.0):
            futures.append(self.ask(value))
            assert self.server.arrived.acquire(timeout=30)
        return futures

    def waiting(self, *values: float, width: int = 1) -> "list[Future[Tensors]]":
        """Each behind the one before."""
        return [self.one_waits(value, width=width) for value in values]

    def one_waits(self, *values: float, deadline: Deadline | None = None, width: int = 1) -> "Future[Tensors]":
        before = self._queued()
        future = self.ask(*values, deadline=deadline, width=width)
        until(lambda: self._queued() > before, "it waits")
        return future

    def _queued(self) -> int:
        return sum(len(queue.waiting) for queue in self.company._queues.values())

    def at_rest(self) -> bool:
        return not self.company._queues


def values(future: "Future[Tensors]") -> list[float]:
    found: list[float] = future.result(timeout=30)["y"][:, 0].tolist()
    return found


def test_nobody_waits_for_company_that_may_come() -> None:
    visit = Visit(Server())
    visit.server.let()
    assert [values(visit.ask(value)) for value in (1, 2, 3)] == [[2], [4], [6]]
    assert visit.server.rows == [1, 1, 1]
    until(visit.at_rest, "nothing is under way")


def test_those_who_wait_travel_together_and_each_has_its_own_answer() -> None:
    visit = Visit(Server())
    first = visit.two_under_way()
    others = [visit.one_waits(1, 2), *visit.waiting(3, 4)]
    visit.server.let()
    assert [values(future) for future in (*first, *others)] == [[-2], [-4], [2, 4], [6], [8]]
    assert visit.server.rows == [1, 1, 4]
    until(visit.at_rest, "nothing is under way")


def test_no_call_has_more_rows_than_were_tried() -> None:
    visit = Visit(Server(), most_rows=3)
    first = visit.two_under_way()
    others = [visit.one_waits(1, 1), visit.one_waits(2, 2), visit.one_waits(3), visit.one_waits(4, 4, 4, 4, 4)]
    visit.server.let()
    assert [len(values(future)) for future in (*first, *others)] == [1, 1, 2, 2, 1, 5]
    assert sorted(visit.server.rows) == [1, 1, 2, 3, 5]


def test_rows_of_another_shape_go_their_own_way_at_once() -> None:
    visit = Visit(Server())
    visit.two_under_way()
    visit.waiting(1)
    visit.ask(2, width=3)
    assert visit.server.arrived.acquire(timeout=30)
    assert visit.server.calls[-1]["x"].shape == (1, 3)
    visit.server.let()


def test_rows_that_are_none_disturb_nobody() -> None:
    visit = Visit(Server())
    visit.server.let()
    assert visit.company.ask({"x": np.zeros((0, 1))}, Deadline.after(30))["y"].shape == (0, 1)
    assert visit.company.ask({"x": np.full((), 4.0)}, Deadline.after(30))["y"] == 8


def test_rows_of_unlike_lengths_travel_together_filled_up() -> None:
    """As long as nobody knows that a token is dear."""
    visit = Visit(Server(lambda inputs: {"y": inputs["x"].sum(axis=1, keepdims=True)}))
    visit.company = Company(visit.server, 8, padding=Padding("x", 0))
    first = visit.two_under_way()
    others = [visit.one_waits(1, width=5), visit.one_waits(2, 3, width=2), visit.one_waits(4, width=3)]
    visit.server.let()
    assert [values(future) for future in (*first, *others)] == [[-1], [-2], [5], [4, 6], [12]]
    assert [inputs["x"].shape for inputs in visit.server.calls] == [(1, 1), (1, 1), (4, 5)]
    until(visit.at_rest, "nothing is under way")


def test_where_tokens_are_dear_those_of_like_lengths_travel_together() -> None:
    pace = Pace()
    pace.note(1000, 60.0)
    visit = Visit(Server(lambda inputs: {"y": inputs["x"].sum(axis=1, keepdims=True)}))
    visit.company = Company(visit.server, 8, padding=Padding("x", 0), pace=pace)
    first = visit.two_under_way()
    others = [visit.one_waits(1, width=width) for width in (5, 40, 7, 38)]
    visit.server.let()
    assert [values(future) for future in (*first, *others)] == [[-1], [-2], [5], [40], [7], [38]]
    assert sorted(inputs["x"].shape for inputs in visit.server.calls) == [(1, 1), (1, 1), (2, 7), (2, 40)]


def test_each_server_has_calls_under_way() -> None:
    server = Server()
    visit = Visit(server)
    visit.company = Company(server, 8, servers=lambda: 2)
    for value in range(4):
        visit.ask(value)
        assert server.arrived.acquire(timeout=30)
    visit.waiting(5)
    server.let()


DEAR = 0.01  # seconds a token


@pytest.mark.parametrize(
    ("workers", "token_s", "under_way"),
    [(1, None, 2), (2, None, 1), (8, None, 1), (2, 1e-6, 1), (1, 1e-6, 2), (2, DEAR, 2)],
)
def test_the_calls_under_way_are_those_of_all_workers_unless_texts_are_dear(
    workers: int, token_s: float | None, under_way: int
) -> None:
    server, pace = Server(), Pace()
    if token_s:
        pace.note(1000, 1000 * token_s)
    visit = Visit(server)
    padding = Padding("x", 0) if token_s else None
    visit.company = Company(server, 8, workers=workers, padding=padding, pace=pace)
    for value in range(under_way):
        visit.ask(value)
        assert server.arrived.acquire(timeout=30)
    visit.waiting(5)
    server.let()


# --- What goes wrong


def test_a_row_that_breaks_the_call_costs_its_neighbours_nothing() -> None:
    def answer(inputs: Tensors) -> Tensors:
        if 13 in inputs["x"]:
            raise BrokenAnswerError("no 13")
        return double(inputs)

    visit = Visit(Server(answer))
    visit.two_under_way()
    one, broken, other = visit.waiting(1, 13, 2)
    visit.server.let()
    assert (values(one), values(other)) == ([2], [4])
    with pytest.raises(BrokenAnswerError, match="no 13"):
        broken.result(timeout=30)
    assert sorted(visit.server.rows) == [1, 1, 1, 1, 1, 3]
    until(visit.at_rest, "nothing is under way")


def test_a_server_that_is_away_is_not_asked_again_for_each() -> None:
    def answer(inputs: Tensors) -> Tensors:
        if len(inputs["x"]) > 1:
            raise ModelServerDownError
        return double(inputs)

    visit = Visit(Server(answer))
    visit.two_under_way()
    waiting = visit.waiting(1, 2)
    visit.server.let()
    for future in waiting:
        with pytest.raises(ModelServerDownError):
            future.result(timeout=30)
    assert visit.server.rows == [1, 1, 2]
    until(visit.at_rest, "nothing is under way")


@pytest.mark.parametrize("answered", [{}, {"y": np.zeros((1, 1))}, {"y": np.zeros((9, 1))}, {"y": np.float32(1)}])
def test_outputs_without_the_rows_of_all_are_dealt_to_nobody(answered: Tensors) -> None:
    visit = Visit(Server(lambda inputs: double(inputs) if len(inputs["x"]) == 1 else answered))
    visit.two_under_way()
    waiting = visit.waiting(1, 2)
    visit.server.let()
    assert [values(future) for future in waiting] == [[2], [4]]


def test_an_error_that_nobody_thought_of_is_the_leaders_alone() -> None:
    def answer(inputs: Tensors) -> Tensors:
        if len(inputs["x"]) > 1:
            raise ZeroDivisionError
        return double(inputs)

    visit = Visit(Server(answer))
    visit.two_under_way()
    other, leader = visit.waiting(2, 1)  # who has most time
    visit.server.let()
    with pytest.raises(ZeroDivisionError):
        leader.result(timeout=30)
    assert values(other) == [4]
    until(visit.at_rest, "nothing is under way")


# --- Time


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_call_has_the_time_of_who_has_most() -> None:
    clock = Clock()
    visit = Visit(Server())
    visit.two_under_way()
    waiting = [visit.one_waits(1, deadline=Deadline.after(limit_s, clock)) for limit_s in (4, 9, 7)]
    visit.server.let()
    wait(waiting, timeout=30)
    assert visit.server.deadlines[-1].ends_at == 109


def test_who_has_least_time_holds_nobody_up_and_is_held_up_by_nobody() -> None:
    visit = Visit(Server())
    visit.two_under_way()
    hasty = visit.one_waits(1, deadline=Deadline.after(3))
    patient = visit.one_waits(2)
    visit.server.let(1)
    assert visit.server.arrived.acquire(timeout=30)
    assert visit.server.rows == [1, 1, 2]
    with pytest.raises(DeadlineError):
        hasty.result(timeout=30)
    assert not patient.done()
    visit.server.let()
    assert values(patient) == [4]
    assert visit.server.rows == [1, 1, 2]


def test_without_a_server_the_call_says_so() -> None:
    visit = Visit(Server())
    visit.company = Company(visit.server, 8, servers=lambda: 0)
    visit.server.let()
    assert values(visit.ask(1)) == [2]


def test_who_runs_out_of_time_leaves_the_queue() -> None:
    visit = Visit(Server())
    first = visit.two_under_way()
    late = visit.ask(1, deadline=Deadline.after(0.05))
    with pytest.raises(DeadlineError):
        late.result(timeout=30)
    kept = visit.one_waits(2)
    visit.server.let()
    assert [values(future) for future in (*first, kept)] == [[-2], [-4], [4]]
    assert visit.server.rows == [1, 1, 1]


def test_whose_time_is_over_when_the_call_begins_is_not_in_it() -> None:
    """Its thread has not noticed yet: its clock does not wake it."""
    clock = Clock()
    visit = Visit(Server())
    visit.two_under_way()
    late, kept = visit.one_waits(1, deadline=Deadline.after(5, clock)), visit.one_waits(2)
    clock.now += 6
    visit.server.let()
    assert values(kept) == [4]
    with pytest.raises(DeadlineError):
        late.result(timeout=30)
    assert visit.server.rows == [1, 1, 1]


def test_who_left_is_asked_for_no_more_and_ends_no_call_of_others() -> None:
    visit = Visit(Server())
    visit.two_under_way()
    leaving, gone = Interrupt(), Interrupt()
    left_early = visit.one_waits(1, deadline=Deadline.after(30, interrupt=gone))
    gone.fire()
    with pytest.raises(CallerLeftError):
        left_early.result(timeout=30)
    visit.one_waits(2, deadline=Deadline.after(30, interrupt=leaving))
    kept = visit.one_waits(3)
    visit.server.let(1)
    assert visit.server.arrived.acquire(timeout=30)
    assert visit.server.rows == [1, 1, 2]
    leaving.fire()  # leads the call that is under way
    visit.server.let()
    assert values(kept) == [6]
    assert visit.server.deadlines[-1].interrupt is None


def test_alone_a_call_ends_with_its_caller() -> None:
    interrupt = Interrupt()
    visit = Visit(Server())
    visit.server.let()
    values(visit.ask(1, deadline=Deadline.after(30, interrupt=interrupt)))
    assert visit.server.deadlines[0].interrupt is interrupt


def test_many_threads_get_their_own_answers() -> None:
    """Each of a random size; the server answers at once, or fails by chance."""
    random = np.random.default_rng(7)
    failing = iter(random.random(100_000) < 0.1)
    lock = threading.Lock()

    def call(inputs: Tensors, _deadline: Deadline) -> Tensors:
        with lock:
            fails = next(failing)
        if fails:
            raise BrokenAnswerError("by chance")
        return double(inputs)

    company = Company(call, 8)

    def visit(number: int) -> int:
        right = 0
        for turn in range(200):
            x = np.full((1 + (number + turn) % 3, 1), number * 1000 + turn, np.float64)
            try:
                answer = company.ask({"x": x}, Deadline.after(30))
            except GatewayError:
                continue
            np.testing.assert_array_equal(answer["y"], x * 2)
            right += 1
        return right

    with ThreadPoolExecutor(16) as threads:
        rights = list(threads.map(visit, range(16)))
    assert sum(rights) > 16 * 200 * 0.8
    assert not company._queues  # all threads have ended
