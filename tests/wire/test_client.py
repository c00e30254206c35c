"""The client against servers that are missing, silent, or know nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest

from wire.client import ModelServerClient
from wire.errors import ModelServerError, TimedOutError, UnreachableError


@pytest.fixture
def stranger() -> Iterator[str]:
    """A gRPC server without any of our services."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_nobody_answers() -> None:
    with ModelServerClient("127.0.0.1:1") as client, pytest.raises(UnreachableError):
        client.predict("m", {"x": np.zeros(1, "f4")}, timeout_s=30)


def test_a_server_that_speaks_another_protocol(stranger: str) -> None:
    with ModelServerClient(stranger) as client:
        for call in (
            lambda: client.models(timeout_s=30),
            lambda: client.labels(timeout_s=30),
            lambda: client.status("m", timeout_s=30),
            lambda: client.labelled("m", "stable", timeout_s=30),
            lambda: client.predict("m", {}, timeout_s=30),
        ):
            with pytest.raises(ModelServerError, match=r"^UNIMPLEMENTED: ") as caught:
                call()
            assert caught.value.code is grpc.StatusCode.UNIMPLEMENTED


def test_no_time_is_timed_out(stranger: str) -> None:
    with ModelServerClient(stranger) as client, pytest.raises(TimedOutError):
        client.models(timeout_s=-1)
