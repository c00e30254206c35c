"""Load that does not count is noticed, gRPC errors under an HTTP 200 above all."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread

import grpc
import pytest

from bench.load import LoadError, Outcome, Request, ask, grpc_request, requests_per_s

_OUTPUT = """\
starting benchmark...
finished in 20.02ms, 4995.75 req/s, 190.06KB/s
requests: 100 total, 100 started, 100 done, 98 succeeded, 2 failed, 0 errored, 0 timeout
status codes: 98 2xx, 0 3xx, 2 4xx, 0 5xx
traffic: 3.81KB (3899) total, 1.02KB (1040) headers (space savings 92.00%), 1.07KB (1100) data
                     min         max         mean         sd        +/- sd
"""


class Flaky:
    """A gRPC server whose one method fails every `each`th call, from the second on."""

    def __init__(self, each: int) -> None:
        numbers = count()

        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if (next(numbers) + 1) % each == 0:
                context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
            return request[::-1]

        handler = grpc.method_handlers_generic_handler("S", {"M": grpc.unary_unary_rpc_method_handler(answer)})
        self._server = grpc.server(ThreadPoolExecutor(4), handlers=[handler])
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()


@pytest.fixture
def flaky(request: pytest.FixtureRequest) -> Iterator[Flaky]:
    server = Flaky(request.param)
    yield server
    server.stop()


@pytest.mark.parametrize("flaky", [10**9], indirect=True)
def test_calls_that_succeed_have_a_rate(flaky: Flaky) -> None:
    request = grpc_request(flaky.target, "/S/M", b"hello")
    assert ask(request) == b"olleh"
    assert requests_per_s(request, concurrency=2, count=50) > 0


@pytest.mark.parametrize("flaky", [50, 2], indirect=True)
def test_a_grpc_error_in_the_trailers_is_a_failure(flaky: Flaky) -> None:
    """h2load says that all succeeded: each has the HTTP status 200."""
    with pytest.raises(LoadError, match="gRPC error"):
        requests_per_s(grpc_request(flaky.target, "/S/M", b"hello"), concurrency=2, count=50)


@pytest.mark.parametrize("flaky", [1], indirect=True)
def test_a_server_that_only_errs_is_not_measured(flaky: Flaky) -> None:
    with pytest.raises(LoadError, match="busy"):
        requests_per_s(grpc_request(flaky.target, "/S/M", b"hello"), concurrency=1, count=10)


@pytest.fixture
def http() -> Iterator[str]:
    """Every fifth POST is answered 500."""
    numbers = count()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(500 if next(numbers) % 5 == 4 else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (its name in the base class)
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_http_error_is_a_failure(http: str) -> None:
    assert ask(Request(http, b"body")) == b"body"
    with pytest.raises(LoadError, match="expected 20 answers"):
        requests_per_s(Request(http, b"body"), concurrency=1, count=20)


def test_nobody_there_is_a_failure() -> None:
    for http2 in (False, True):
        with pytest.raises(LoadError, match="did not answer"):
            ask(Request("http://127.0.0.1:9/S/M", b"\0\0\0\0\0", http2=http2), timeout_s=5)


def test_the_summary_of_h2load_is_read() -> None:
    assert Outcome.parse(_OUTPUT) == Outcome(rate=4995.75, succeeded=98, data_bytes=1100)


def test_an_output_without_a_summary_is_refused() -> None:
    with pytest.raises(LoadError, match="received:\nCould not resolve address"):
        Outcome.parse("Could not resolve address")
