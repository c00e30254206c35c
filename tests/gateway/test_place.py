"""Places: who may be made to give one up, decided with a clock of the test's own."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry, Gauge

from gateway.admission import Admission
from gateway.errors import BusyError, SlowBodyError, TruncatedBodyError
from gateway.place import FAIR_BYTES_S, PATIENCE_S, Place, slowest


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Sender:
    """Sends pieces, each after some seconds; in between it may look at the places."""

    def __init__(self, clock: Clock, pieces: Sequence[tuple[float, bytes]], meanwhile: object = None) -> None:
        self._clock = clock
        self._pieces = list(pieces)
        self._meanwhile = meanwhile

    def read(self, size: int, /) -> bytes:
        if not self._pieces:
            return b""
        seconds, piece = self._pieces.pop(0)
        self._clock.now += seconds
        if callable(self._meanwhile):
            self._meanwhile()
        assert len(piece) <= size
        return piece


def receive(place: Place, sender: Sender, announced: int | None, limit_s: float = 10) -> bytes:
    return place.receive(sender, announced=announced, limit_bytes=100_000, limit_s=limit_s)


def test_a_body_is_put_together() -> None:
    clock = Clock()
    assert receive(Place(clock), Sender(clock, [(0, b"ab"), (1, b"c")]), 3) == b"abc"
    assert receive(Place(clock), Sender(clock, [(0, b"ab"), (1, b"c")]), None) == b"abc"
    assert receive(Place(clock), Sender(clock, []), None) == b""


def test_an_unannounced_body_is_read_to_one_byte_beyond_the_limit() -> None:
    clock = Clock()
    endless = Sender(clock, [(0, bytes(50_000))] * 2 + [(0, b"x")] * 10)
    assert len(receive(Place(clock), endless, None)) == 100_001


def test_a_body_that_ends_early_or_late_is_refused() -> None:
    clock = Clock()
    with pytest.raises(TruncatedBodyError, match="2 bytes; 3 were"):
        receive(Place(clock), Sender(clock, [(0, b"ab")]), 3)
    with pytest.raises(SlowBodyError, match=r"3 bytes of the body arrived in 10\.5 s"):
        receive(Place(clock), Sender(clock, [(0, b"ab"), (10.5, b"c")]), 3)


@pytest.mark.parametrize(
    ("seconds", "received", "loses"),
    [
        (PATIENCE_S * 0.9, 0, False),
        (PATIENCE_S * 1.1, 0, True),
        (PATIENCE_S * 1.1, int(FAIR_BYTES_S * 0.5), True),
        (PATIENCE_S * 1.1, int(FAIR_BYTES_S * 1.2), False),
    ],
)
def test_only_who_is_slow_for_a_while_loses_its_place(seconds: float, received: int, loses: bool) -> None:
    clock = Clock()
    place = Place(clock)
    pieces = [received // 2, received - received // 2]
    seen: list[bool] = []

    def look() -> None:
        seen.append(slowest([place]) is place)

    sender = Sender(clock, [*((0, bytes(piece)) for piece in pieces if piece), (seconds, b"x")], look)
    receive(place, sender, received + 1)
    assert seen[-1] is loses


def test_the_slowest_loses_and_learns_of_it() -> None:
    clock = Clock()
    quicker, slower = Place(clock), Place(clock)
    calls: list[str] = []

    def slower_waits() -> None:
        assert slowest([quicker, slower]) is slower
        assert slower.take()
        assert slowest([slower]) is None

    def quicker_waits() -> None:
        calls.append("read")
        if len(calls) == 2:
            with pytest.raises(SlowBodyError, match="1 bytes"):
                receive(slower, Sender(clock, [(5, b"x"), (0, b"never read")], slower_waits), 11)

    assert receive(quicker, Sender(clock, [(0, b"abc"), (0, b"d")], quicker_waits), 4) == b"abcd"
    assert slowest([quicker, slower]) is None
    assert not quicker.take()


def test_places_are_counted_once_whoever_gives_them_back() -> None:
    admission = Admission(places=1, workers=1, waiting=Gauge("waiting", "", registry=CollectorRegistry()))
    with admission.place(), pytest.raises(BusyError), admission.place():
        pass
    with admission.place():
        assert admission.taken == 1
    assert admission.taken == 0
