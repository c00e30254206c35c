"""The bytes of a call over a UNIX socket. A connection carries one call at a time, and its answer.

A call is a head, the method's path, its metadata as lines `key:value`, and the request message; an answer a head and
the response message, or the words of the status that it ends with. Both sides are of one release: there are no
versions.
"""

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from wire.tracing import Metadata

_MARK = b"kml1"
_CALL = struct.Struct("!4sIdHH")  # the mark, bytes of the message, until when, bytes of the path and of the metadata
_ANSWER = struct.Struct("!4sIB")  # the mark, bytes of the message, status
_LARGEST = 2**31 - 1  # bytes, as protobuf has it
_AT_ONCE = 64 * 2**10  # bytes; a message beyond is received into a buffer of its own, and sent from it
_BLOCK = 16 * 2**20  # bytes, by which that buffer grows: who says that a message is large must send it first

Bytes = bytes | bytearray
_Wait = Callable[[], None]


class FrameError(Exception):
    """The other side speaks something else, or has left in the middle."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call as a server receives it, to be answered until `ends_at`, by the host's `time.monotonic`."""

    path: str
    ends_at: float
    metadata: Metadata
    message: Bytes


def send_call(connection: socket.socket, path: str, ends_at: float, metadata: Metadata, message: bytes) -> None:
    """Within the connection's timeout."""
    named, lines = _named(path, metadata)
    head = _CALL.pack(_MARK, len(message), ends_at, len(named), len(lines))
    _send(connection, b"".join((head, named, lines)), message)


def receive_call(connection: socket.socket) -> Incoming | None:
    """Waits for the next; None if the connection was closed instead. Raises `FrameError`, `OSError`."""
    first = connection.recv(_AT_ONCE)
    if not first:
        return None
    first = _whole(connection, first, _CALL.size, _for_ever)
    mark, message, ends_at, named, lines = _CALL.unpack_from(first)
    if mark != _MARK:
        raise FrameError("no call")
    begins = _CALL.size + named + lines
    first = _whole(connection, first, begins, _for_ever)
    path, metadata = _parsed(first[_CALL.size : _CALL.size + named], first[_CALL.size + named : begins])
    return Incoming(path, ends_at, metadata, _message(connection, first[begins:], message, _for_ever))


def send_answer(connection: socket.socket, status: int, message: bytes) -> None:
    _send(connection, _ANSWER.pack(_MARK, len(message), status), message)


def receive_answer(connection: socket.socket, ends_at: float) -> tuple[int, Bytes]:
    """The status and the message; `ends_at` by `time.monotonic`. Raises `FrameError`, `TimeoutError`, `OSError`."""

    def until_then() -> None:
        left_s = ends_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)

    until_then()
    first = _whole(connection, connection.recv(_AT_ONCE), _ANSWER.size, until_then)
    mark, message, status = _ANSWER.unpack_from(first)
    if mark != _MARK:
        raise FrameError("no answer")
    return status, _message(connection, first[_ANSWER.size :], message, until_then)


def _send(connection: socket.socket, head: bytes, message: bytes) -> None:
    if len(message) <= _AT_ONCE:
        connection.sendall(head + message)
    else:
        connection.sendall(head)
        connection.sendall(message)


def _for_ever() -> None:
    """Of a peer that is there, all of what it began comes."""


def _whole(connection: socket.socket, first: bytes, size: int, wait: _Wait) -> bytes:
    """What came first, and what lacks of `size` bytes."""
    while len(first) < size:
        wait()
        more = connection.recv(_AT_ONCE)
        if not more:
            raise FrameError("closed in the middle")
        first += more
    return first


def _message(connection: socket.socket, first: bytes, size: int, wait: _Wait) -> Bytes:
    """All of a message, of which `first` has come."""
    if len(first) >= size:
        if len(first) > size:
            raise FrameError("more than was said")
        return first
    if size > _LARGEST:
        raise FrameError(f"a message of {size} bytes")
    message, there = bytearray(min(size, _BLOCK)), len(first)
    message[:there] = first
    while there < size:
        if there == len(message):
            message.extend(bytes(min(size - there, _BLOCK)))
        wait()
        with memoryview(message) as whole, whole[there:] as rest:
            came = connection.recv_into(rest)
        if not came:
            raise FrameError("closed in the middle")
        there += came
    return message


@lru_cache(64)
def _named(path: str, metadata: Metadata) -> tuple[bytes, bytes]:
    return path.encode(), "\n".join(f"{key}:{value}" for key, value in metadata).encode()


@lru_cache(64)
def _parsed(path: bytes, metadata: bytes) -> tuple[str, Metadata]:
    pairs = (line.partition(":") for line in metadata.decode(errors="replace").splitlines())
    return path.decode(errors="replace"), tuple((key, value) for key, _, value in pairs)
