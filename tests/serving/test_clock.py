"""The wall clock jumps, as after a suspend or a correction: the server goes on as if nothing had happened."""

import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bench.stack import free_port
from tests.support import saved_models
from tests.support.processes import Process, ask, until
from wire.client import ModelServerClient
from wire.errors import NotServedError, TimedOutError, UnreachableError

_PRELOADED = "/usr/$LIB/faketime/libfaketimeMT.so.1"  # Debian's faketime: the wall clock as a file says
_TOO_MANY = 100_000_000


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path) -> None:
    clock, store = tmp_path / "clock", tmp_path / "store"
    clock.write_text("+0")
    saved_models.put("plus-2", store / "m" / "1")
    saved_models.put("slow", store / "slow" / "1")
    grpc, rest = free_port(), free_port()
    ports = ("--port", str(grpc), "--rest_api_port", str(rest), "--file_system_poll_wait_seconds", "0.1")
    faked = {
        "LD_PRELOAD": _PRELOADED,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",  # seconds; to read the file at each call would cost minutes
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # the kernel's does not jump either
        "NO_FAKE_STAT": "1",
    }
    with (
        Process("serve", "--store", str(store), *ports, environment=faked) as server,
        ModelServerClient(f"127.0.0.1:{grpc}") as client,
    ):

        def answer() -> float | None:
            """For x = 1: 2.5 or 3.5, as the version is; None while there is none."""
            try:
                return float(client.predict("m", {"x": np.ones(1, np.float32)}, timeout_s=10).outputs["y"][0])
            except (NotServedError, UnreachableError):
                return None

        def answers(expected: float) -> bool:
            return answer() == expected

        def jumped(ahead: bool) -> bool:
            return server_year() > year if ahead else server_year() < year

        def server_year() -> int:
            return int(ask(f"http://127.0.0.1:{rest}/livez").headers["Date"].split()[3])

        def slow(steps: int, timeout_s: float) -> bool:
            try:
                client.predict("slow", {"steps": np.array(steps, np.int32)}, timeout_s=timeout_s)
            except (NotServedError, UnreachableError):
                return False
            return True

        until(lambda: slow(1, 10) and answers(2.5), "the first versions answer")
        year = server_year()
        for number, (days, model, expected) in enumerate([(400, "plus-3", 3.5), (-1200, "plus-2", 2.5)], 2):
            clock.write_text(f"{days:+}d")
            until(partial(jumped, days > 0), "the server's clock jumps")
            assert answer() is not None
            with pytest.raises(TimedOutError):
                slow(_TOO_MANY, timeout_s=0.3)
            saved_models.put(model, store / "m" / str(number))
            until(partial(answers, expected), "a version that appears after the jump answers")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
