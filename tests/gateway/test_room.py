"""Memory of what is being answered, and recordings that find none left."""

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.deadline import Deadline
from gateway.errors import BusyError, DeadlineError, FullError, GatewayError, LongQueueError
from gateway.room import Room
from gateway.routing.watch import NOT_THE_VERSION
from tests.support.processes import Answer, GatewayProcess, ModelServerProcess, until
from tests.support.small_speech import recording
from tests.support.tcp_proxy import TcpProxy

SPOKEN = recording([0.5, 0.0, 0.5])


def test_who_waits_to_read_has_a_deadline() -> None:
    room = Room(10, readers=1)
    with room.reading(Deadline.after(10)), pytest.raises(DeadlineError), room.reading(Deadline.after(0.01)):
        pass
    with room.reading(Deadline.after(10)):
        pass


class Held:
    pass


def test_what_is_held_counts_until_nobody_has_it() -> None:
    room, first = Room(10, readers=1), Held()
    room.take(first, 6)
    with pytest.raises(FullError, match="try again"):
        room.take(Held(), 5)
    room.take(Held(), 4)
    gc.collect()
    room.take(second := Held(), 4)
    del first, second
    gc.collect()
    room.take(third := Held(), 10)
    assert third


def test_what_is_more_than_all_there_is_gets_in_alone() -> None:
    room = Room(10, readers=1)
    room.take(held := Held(), 11)
    with pytest.raises(FullError):
        room.take(Held(), 1)
    assert held


def test_a_recording_that_finds_no_memory_is_refused(text_server: ModelServerProcess, tmp_path: Path) -> None:
    """There is room for one; the model server is as good as silent, so that it is held until its time is over."""

    def ask(_number: int) -> Answer:
        return gateway.post("/models/speech", SPOKEN, "audio/wav")

    with (
        TcpProxy(text_server.port) as network,
        GatewayProcess(
            network.target, recording_bytes=len(SPOKEN), deadline_s=6, generation_s=6, state=tmp_path
        ) as gateway,
        ThreadPoolExecutor() as at_once,
    ):
        gateway.wait_ready()
        assert ask(0).status == 200
        network.delay_s = 8.0
        held, refused = sorted(at_once.map(ask, range(2)), key=lambda answer: -answer.status)
        assert (held.status, refused.status, refused.headers["Retry-After"]) == (504, 503, "1")
        assert "recording_bytes" in refused.json()["detail"]
        network.delay_s = 0.0
        until(lambda: ask(0).status == 200, "there is room again")


@pytest.mark.parametrize("error", [BusyError(1), LongQueueError(1, 1.0), FullError(1, 1)])
def test_no_room_in_the_gateway_is_no_fault_of_the_version(error: GatewayError) -> None:
    """No canary is withdrawn for it, and no other model would find more."""
    assert isinstance(error, NOT_THE_VERSION)
