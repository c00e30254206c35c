"""Requests on their way: the time is for the whole of one, and who is slow gives way."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.admin.arrivals import Arrivals
from tests.support.processes import until


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def arrivals(clock: Clock) -> Arrivals:
    return Arrivals(10, 1, clock)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_request_that_comes_byte_by_byte_has_the_time_of_one(
    arrivals: Arrivals, clock: Clock, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    ours.settimeout(7)
    stream = arrivals.stream(ours)
    for number in range(10):
        clock.now_s = float(number)
        theirs.sendall(b"a")
        assert stream.read1() == b"a"
    clock.now_s = 10
    theirs.sendall(b"a")
    with pytest.raises(TimeoutError, match="within 10 s"):
        stream.read1()
    assert ours.gettimeout() == 7, "what is written has the connection's own time"


def test_the_first_to_come_gives_way_once_it_had_its_while(
    arrivals: Arrivals, clock: Clock, pair: tuple[socket.socket, socket.socket]
) -> None:
    first, second = pair
    assert not arrivals.displace(), "nobody is waited for"
    with arrivals.waiting(first, 0), arrivals.waiting(second, 0.5):
        clock.now_s = 0.9
        assert not arrivals.displace()
        clock.now_s = 5
        assert arrivals.displace()
        assert first.recv(1) == b""
        assert arrivals.displace()
        assert not arrivals.displace(), "both went"


def test_whoever_is_waited_for_learns_that_it_must_go(
    arrivals: Arrivals, clock: Clock, pair: tuple[socket.socket, socket.socket]
) -> None:
    stream = arrivals.stream(pair[0])
    clock.now_s = 2
    with ThreadPoolExecutor(1) as threads:
        read = threads.submit(stream.read1)
        until(arrivals.displace, "somebody is waited for")
        assert read.result(60) == b""
