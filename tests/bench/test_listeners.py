"""Many streams at once, against a server of a few threads."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench.listeners import Listeners
from bench.load import LoadError, Request

EVENT = b'data: {"token":1}\n\n'


class Server:
    """Answers each POST as `tell` does; counts them."""

    def __init__(self) -> None:
        self.tell: Callable[[Any], None] = self.go_on
        self.asked = 0
        self.over, self.again = threading.Event(), threading.Event()
        self._to_end = threading.Semaphore(3)
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                assert self.rfile.read(int(self.headers["content-length"])) == b"body"
                server.asked += 1
                server.tell(self)
                self.close_connection = True

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name in the base class)
                """Nothing on standard error."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever)
        self._thread.start()
        self.request = Request(f"http://127.0.0.1:{self._http.server_port}/stream", b"body")

    def begin(self, handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(EVENT[:4])  # a word in two pieces
        handler.wfile.flush()
        handler.wfile.write(EVENT[4:] + EVENT)

    def go_on(self, handler: Any) -> None:
        self.begin(handler)
        self.over.wait(30)

    def end_first(self, handler: Any) -> None:
        """Three of nine."""
        self.begin(handler)
        if self.asked == 9:
            self.again.set()
        if not self._to_end.acquire(blocking=False):
            self.over.wait(30)

    def err(self, handler: Any) -> None:
        self.begin(handler)
        handler.wfile.write(b'data: {"error":"busy"}\n\n')

    def refuse(self, handler: Any) -> None:
        handler.send_response(503)
        handler.end_headers()

    def say_nothing(self, handler: Any) -> None:
        self.over.wait(30)

    def hang_up(self, handler: Any) -> None:
        """Not a byte."""

    def stop(self) -> None:
        self.over.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def test_all_streams_are_open_and_their_events_are_counted(server: Server) -> None:
    with Listeners(server.request, 40) as listeners:
        assert server.asked == 40
    assert listeners.events == 80


def test_a_stream_that_ends_is_asked_for_again(server: Server) -> None:
    server.tell = server.end_first
    with Listeners(server.request, 6):
        assert server.again.wait(30)


@pytest.mark.parametrize(
    ("tell", "words"), [("refuse", "503"), ("hang_up", "ended before it began"), ("err", "told of an error")]
)
def test_a_stream_that_fails_is_told(server: Server, tell: str, words: str) -> None:
    server.tell = getattr(server, tell)
    with pytest.raises(LoadError, match=words), Listeners(server.request, 1):
        server.over.wait(1)


def test_streams_that_do_not_begin_are_told(server: Server) -> None:
    server.tell = server.say_nothing
    with pytest.raises(LoadError, match=r"0 of 2 streams began"), Listeners(server.request, 2, begin_within_s=0.1):
        pass


def test_nobody_there_is_told() -> None:
    with pytest.raises(LoadError, match="did not answer"), Listeners(Request("http://127.0.0.1:9/", b"body"), 1):
        pass
