"""Requests as bytes, which no client library would send."""

import socket
from dataclasses import dataclass

from tests.support.processes import GatewayProcess


@dataclass(frozen=True)
class RawAnswer:
    """What came back; status 0 if the connection was ended without an answer."""

    status: int
    head: str
    body: bytes


def send(gateway: GatewayProcess, request: bytes) -> RawAnswer:
    """Sends it, then reads until the server ends the connection, which the request should ask for."""
    with socket.create_connection(("127.0.0.1", int(gateway.url.rpartition(":")[2])), timeout=60) as connection:
        received = b""
        try:
            connection.sendall(request)
            while piece := connection.recv(65536):
                received += piece
        except OSError:  # it would not take all of it; what it said before counts
            pass
    head, _, body = received.partition(b"\r\n\r\n")
    return RawAnswer(int(head.split()[1]) if head else 0, head.decode("latin-1"), body)


def get(path: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: h", b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def post(path: bytes, body: bytes, *headers: bytes) -> bytes:
    return get(path, b"Content-Length: %d" % len(body), *headers, method=b"POST") + body
