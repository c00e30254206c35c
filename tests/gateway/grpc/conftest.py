"""A channel to the shared gateway."""

from collections.abc import Iterator

import grpc
import pytest

from tests.support.processes import GatewayProcess


@pytest.fixture(scope="module")
def channel(gateway: GatewayProcess) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(gateway.grpc) as channel:
        yield channel
