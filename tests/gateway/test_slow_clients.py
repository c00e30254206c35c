"""Clients that send slowly, stop in the middle, or say nothing: they keep nobody else waiting."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPResponse

import pytest

from tests.support.processes import GatewayProcess, ModelServerProcess, until

TEXT = b'{"inputs": "good"}'
STALLED = b"POST /models/sentiment HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n{"
BLAME = {
    "nothing": b"",
    "half a request line": b"POST /mod",
    "half a head": b"POST /models/sentiment HTTP/1.1\r\nHost: h\r\nX-Long: ",
    "half a body": STALLED,
    "half of what is not taken": STALLED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"),
    "half of what is too much": STALLED.replace(b": 1000", b": 99999999"),
    "half of what is sent nowhere": STALLED.replace(b"/models/sentiment", b"/nope"),
    "half a chunk": b"POST /models/sentiment HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
}


@contextmanager
def connections(gateway: GatewayProcess, count: int, sent: bytes) -> Iterator[list[socket.socket]]:
    address = ("127.0.0.1", int(gateway.url.rpartition(":")[2]))
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.create_connection(address)) for _ in range(count)]
        for connection in sockets:
            connection.settimeout(60)
            connection.sendall(sent)
        yield sockets


def answered(gateway: GatewayProcess) -> bool:
    return gateway.post("/models/sentiment", TEXT).status == 200


def status(connection: socket.socket) -> int:
    """Of the answer that comes, all of which is read; 0 if the connection is ended without one."""
    answer = HTTPResponse(connection)
    try:
        answer.begin()
    except ConnectionResetError:  # or ended, which http.client counts as one
        return 0
    answer.read()
    return answer.status


@pytest.mark.parametrize("blame", BLAME)
def test_two_hundred_that_stall_leave_others_answered(gateway: GatewayProcess, blame: str) -> None:
    with connections(gateway, 200, BLAME[blame]):
        until(lambda: all(answered(gateway) for _ in range(20)), "others are answered", timeout_s=20)
        assert gateway.get("/healthz").status == 200
    assert answered(gateway)


@pytest.fixture(scope="module")
def hasty(model_server: ModelServerProcess) -> Iterator[GatewayProcess]:
    with GatewayProcess(model_server.target, deadline_s=2.0, silence_s=3.0, requests=2) as process:
        process.wait_ready()
        yield process


def test_a_body_that_stalls_is_408_and_the_connection_ends(hasty: GatewayProcess) -> None:
    for sent in (STALLED, BLAME["half a chunk"]):
        with connections(hasty, 1, sent) as [connection]:
            assert status(connection) == 408
            while connection.recv(65536):
                pass


def test_a_body_that_drips_is_408(hasty: GatewayProcess) -> None:
    with connections(hasty, 1, STALLED) as [connection]:
        connection.settimeout(0.5)
        for _ in range(40):
            try:
                assert status(connection) == 408
                break
            except TimeoutError:
                connection.sendall(b" ")
        else:
            raise AssertionError("it drips for ever")


def test_who_lost_its_place_is_told(hasty: GatewayProcess) -> None:
    with connections(hasty, 2, STALLED) as slow:
        until(lambda: b"kmaas_requests_inside 2.0" in hasty.get("/metrics").body, "both places are taken")
        until(lambda: answered(hasty), "a place is free")
        statuses = []
        for connection in slow:
            connection.sendall(b" " * 999)
            statuses.append(status(connection))
    assert 408 in statuses
    assert set(statuses) <= {408, 400}  # the other's body is whole and no JSON
    until(lambda: answered(hasty), "both places are free")


def test_a_caller_that_leaves_in_the_middle_of_its_body_gives_its_place_up(hasty: GatewayProcess) -> None:
    with connections(hasty, 2, STALLED):
        pass
    until(lambda: answered(hasty), "its place is free")


def test_a_body_shorter_than_announced_is_400(hasty: GatewayProcess) -> None:
    whole = b"POST /models/sentiment HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n" + TEXT
    with connections(hasty, 1, whole) as [connection]:
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        assert b"18 bytes; 100 were announced" in answer


def test_idle_connections_beyond_those_that_are_served_are_served_later(gateway: GatewayProcess) -> None:
    with connections(gateway, 1, b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n") as [kept]:
        assert status(kept) == 200
        with connections(gateway, 1200, b""):
            kept.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            assert status(kept) == 200
    assert answered(gateway)
