"""Bytes of calls and answers, whole, in pieces, and none at all."""

import math
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.local.frames import FrameError, Incoming, receive_answer, receive_call, send_answer, send_call

BIG = bytes(range(256)) * 2**14  # 4 MiB: far beyond what a socket holds


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def soon() -> float:
    return time.monotonic() + 30


@pytest.mark.parametrize("message", [b"", b"short", BIG], ids=["empty", "short", "big"])
def test_a_call_and_its_answer_arrive_as_they_were_sent(
    pair: tuple[socket.socket, socket.socket], message: bytes
) -> None:
    ours, theirs = pair
    metadata = (("kmaas-tensor-content", "1"), ("traceparent", "00-a:b-01"))

    def answer() -> None:
        for status in (0, 14):
            call = receive_call(theirs)
            assert call is not None
            assert (call.path, call.ends_at, call.metadata) == ("/a.Service/Do", 2.5, metadata)
            send_answer(theirs, status, bytes(call.message)[::-1])

    answering = Thread(target=answer)
    answering.start()
    for status in (0, 14):
        send_call(ours, "/a.Service/Do", 2.5, metadata, message)
        assert receive_answer(ours, soon()) == (status, message[::-1])
    answering.join()


def test_a_call_in_pieces_is_put_together(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    send_call(ours, "/a/b", math.inf, (), b"message")
    sent = theirs.recv(1000)

    def drip() -> None:
        for byte in sent:
            ours.sendall(bytes([byte]))

    dripping = Thread(target=drip)
    dripping.start()
    assert receive_call(theirs) == Incoming("/a/b", math.inf, (), b"message")
    dripping.join()


def test_closed_between_calls_is_no_call_and_in_the_middle_an_error(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    send_call(ours, "/a/b", 1, (), BIG[:5000])
    sent = theirs.recv(10_000)
    for cut in (3, 20, 25, len(sent) - 1):
        left, right = socket.socketpair()
        with right:
            with left:
                left.sendall(sent[:cut])
            with pytest.raises(FrameError, match="closed in the middle"):
                receive_call(right)
    ours.close()
    assert receive_call(theirs) is None


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_said(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    with pytest.raises(TimeoutError):
        receive_answer(ours, time.monotonic() - 1)
    send_answer(theirs, 0, b"x" * 100)
    half = ours.recv(50)
    theirs.sendall(half)
    with pytest.raises((TimeoutError, FrameError)):
        receive_answer(ours, time.monotonic() + 0.05)


@given(st.binary(max_size=200), st.booleans())
def test_whatever_comes_is_a_call_or_a_frame_error(garbage: bytes, marked: bool) -> None:
    for receive in (receive_call, lambda connection: receive_answer(connection, soon())):
        ours, theirs = socket.socketpair()
        with theirs:
            with ours:
                ours.sendall((b"kml1" if marked else b"") + garbage)
            with suppress(FrameError):
                receive(theirs)
