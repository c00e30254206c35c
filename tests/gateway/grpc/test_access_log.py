"""Who a gRPC call is from, in the access log."""

import pytest

from gateway.grpc.calls import client_of


@pytest.mark.parametrize(
    ("peer", "client"),
    [("ipv4:127.0.0.1:39896", "127.0.0.1"), ("ipv6:%5B::1%5D:39896", "::1"), ("unix:", ""), ("", "")],
)
def test_a_client_is_an_address(peer: str, client: str) -> None:
    assert client_of(peer) == client
