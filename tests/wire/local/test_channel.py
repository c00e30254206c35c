"""The local channel against servers that are there, silent, rude, or gone."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import grpc
import numpy as np
import pytest

from tests.support.processes import until
from wire import messages
from wire.client import ModelServerClient
from wire.errors import InterruptedCallError, ModelServerError, NotServedError, TimedOutError, UnreachableError
from wire.interrupt import Interrupt
from wire.local.frames import Incoming, receive_call, send_answer
from wire.tensors import to_proto

Answer = Callable[[socket.socket, Incoming], None]

MARK = b"kml1"


class Listener:
    """Answers each call as it was told."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self.path = path
        self.calls = 0
        self.connections: list[socket.socket] = []
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while (call := receive_call(connection)) is not None:
                self.calls += 1
                self._answer(connection, call)

    def close(self) -> None:
        """As a server that ended."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Callable[[Answer], Listener]]:
    opened: list[Listener] = []

    def start(answer: Answer) -> Listener:
        opened.append(Listener(tmp_path / "socket", answer))
        return opened[-1]

    yield start
    for listener in opened:
        with suppress(OSError):
            listener.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[ModelServerClient]:
    with ModelServerClient(f"local:{tmp_path / 'socket'}") as client:
        yield client


def mirrored(connection: socket.socket, call: Incoming) -> None:
    """Outputs that are the inputs."""
    request = messages.PredictRequest.FromString(call.message)
    response = messages.PredictResponse(outputs=request.inputs, model_spec=request.model_spec)
    send_answer(connection, 0, response.SerializeToString())


def nothing(_connection: socket.socket, _call: Incoming) -> None:
    """A frozen server."""


def ask(client: ModelServerClient, size: int = 3, *, timeout_s: float = 30, interrupt: Interrupt | None = None) -> None:
    numbers = np.arange(size, dtype="f4")
    answered = client.predict("m", {"x": numbers}, version=5, timeout_s=timeout_s, interrupt=interrupt)
    assert np.array_equal(answered.outputs["x"], numbers)
    assert answered.version == 5


def test_small_and_large_tensors_over_one_connection(
    listen: Callable[[Answer], Listener], client: ModelServerClient
) -> None:
    listener = listen(mirrored)
    for size in (3, 10, 2**21, 3):
        ask(client, size)
    assert len(listener.connections) == 1


def test_nobody_is_there(tmp_path: Path, client: ModelServerClient) -> None:
    with pytest.raises(UnreachableError, match="No such file"):
        ask(client)
    (tmp_path / "socket").touch()
    with pytest.raises(UnreachableError):
        ask(client)


def test_a_server_that_was_restarted_between_two_calls_is_asked_without_an_error(
    listen: Callable[[Answer], Listener], client: ModelServerClient
) -> None:
    before = listen(mirrored)
    ask(client)
    before.close()
    with pytest.raises(UnreachableError):
        ask(client)
    between = listen(mirrored)
    ask(client)
    between.close()
    after = listen(mirrored)
    ask(client)
    assert [listener.calls for listener in (before, between, after)] == [1, 1, 1]


@pytest.mark.parametrize(
    "rude",
    [
        lambda connection, _: connection.close(),
        lambda connection, _: connection.shutdown(socket.SHUT_RDWR),
        lambda connection, _: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n"),
        lambda connection, _: (connection.sendall(MARK + b"\0\0\0\x09\0half"), connection.shutdown(socket.SHUT_WR)),
        lambda connection, _: connection.sendall(MARK + b"\0\0\0\x01\0three"),
    ],
)
def test_an_answer_that_is_cut_or_none_is_nobody_and_its_connection_is_not_used_again(
    listen: Callable[[Answer], Listener], client: ModelServerClient, rude: Answer
) -> None:
    turns = iter([rude])

    def once(connection: socket.socket, call: Incoming) -> None:
        next(turns, mirrored)(connection, call)

    listener = listen(once)
    with pytest.raises(UnreachableError):
        ask(client)
    ask(client)
    assert listener.calls == 2
    assert len(listener.connections) == 2


def test_a_full_queue_is_not_taken_for_a_server_that_is_gone(tmp_path: Path, client: ModelServerClient) -> None:
    with socket.socket(socket.AF_UNIX) as full, ExitStack() as stack:
        full.bind(str(tmp_path / "socket"))
        full.listen(0)
        stack.enter_context(socket.socket(socket.AF_UNIX)).connect(str(tmp_path / "socket"))
        with pytest.raises(ModelServerError) as caught:
            ask(client)
        assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_an_answer_that_is_no_message_and_statuses(
    listen: Callable[[Answer], Listener], client: ModelServerClient
) -> None:
    turns = iter(
        [(0, b"\xff"), (5, b"Servable not found"), (14, b"The version's SavedModel is being opened"), (99, b"?")]
    )
    listener = listen(lambda connection, _: send_answer(connection, *next(turns)))
    for expected, code in (
        (ModelServerError, grpc.StatusCode.INTERNAL),
        (NotServedError, grpc.StatusCode.NOT_FOUND),
        (ModelServerError, grpc.StatusCode.UNAVAILABLE),
        (ModelServerError, grpc.StatusCode.UNKNOWN),
    ):
        with pytest.raises(expected) as caught:
            ask(client)
        assert caught.value.code is code
        assert not isinstance(caught.value, UnreachableError)
    assert len(listener.connections) == 1


def test_a_late_answer_is_nobodys(listen: Callable[[Answer], Listener], client: ModelServerClient) -> None:
    """It must not be taken for that of the next call."""
    over = threading.Event()

    def late(connection: socket.socket, call: Incoming) -> None:
        if over.is_set():
            mirrored(connection, call)
            return
        over.wait(30)
        with suppress(OSError):
            send_answer(
                connection, 0, messages.PredictResponse(outputs={"x": to_proto(np.zeros(3))}).SerializeToString()
            )

    listen(late)
    with pytest.raises(TimedOutError):
        ask(client, timeout_s=0.1)
    over.set()
    ask(client)


def test_no_time_is_timed_out_before_anything_is_sent(
    listen: Callable[[Answer], Listener], client: ModelServerClient
) -> None:
    listener = listen(mirrored)
    with pytest.raises(TimedOutError):
        ask(client, timeout_s=-1)
    ask(client)
    assert listener.calls == 1


def test_an_interrupt_ends_a_call_at_once(listen: Callable[[Answer], Listener], client: ModelServerClient) -> None:
    turns = iter([nothing])

    def once(connection: socket.socket, call: Incoming) -> None:
        next(turns, mirrored)(connection, call)

    listener = listen(once)
    interrupt = Interrupt()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, client, interrupt=interrupt)
        until(lambda: listener.calls == 1, "the call is there")
        interrupt.fire()
        with pytest.raises(InterruptedCallError):
            asked.result(30)
    with pytest.raises(InterruptedCallError):
        ask(client, interrupt=interrupt)
    ask(client, interrupt=Interrupt())


class Late(Interrupt):
    """Fires just when the answer has come: what it would have ended it may still be about to end."""

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[None]:
        with super().ending(end):
            yield
        self.fire()


def test_a_connection_that_an_interrupt_may_be_about_to_cut_is_not_used_again(
    listen: Callable[[Answer], Listener], client: ModelServerClient
) -> None:
    listener = listen(mirrored)
    ask(client, interrupt=Late())
    ask(client)
    assert len(listener.connections) == 2


def test_closing_ends_calls_as_if_nobody_answered(listen: Callable[[Answer], Listener], tmp_path: Path) -> None:
    listener = listen(nothing)
    with ModelServerClient(f"local:{tmp_path / 'socket'}") as client, ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(ask, client) for _ in range(2)]
        until(lambda: listener.calls == 2, "the calls are there")
        client.close()
        for one in asked:
            with pytest.raises(UnreachableError):
                one.result(30)
        with pytest.raises(UnreachableError, match="closed"):
            ask(client)


def test_a_hundred_callers_each_get_their_own_answer_and_few_connections_are_kept(
    listen: Callable[[Answer], Listener], client: ModelServerClient
) -> None:
    everybody = threading.Barrier(100)

    def together(connection: socket.socket, call: Incoming) -> None:
        everybody.wait(60)
        mirrored(connection, call)

    listener = listen(together)
    with ThreadPoolExecutor(100) as threads:
        for asked in [threads.submit(ask, client, 100 + caller) for caller in range(100)]:
            asked.result(60)
    assert len(listener.connections) == 100
    until(lambda: sum(_is_alive(connection) for connection in listener.connections) == 16, "the others are closed")


def _is_alive(connection: socket.socket) -> bool:
    """Whether the other side has not closed it."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
