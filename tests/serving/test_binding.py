"""Listening sockets."""

import pytest

from serving.binding import listen
from serving.errors import BindError


def test_a_socket_listens() -> None:
    with listen("REST", "127.0.0.1", 0) as opened:
        port = opened.getsockname()[1]
        with pytest.raises(BindError, match=f"cannot listen on 127.0.0.1 port {port} for REST: Address already in use"):
            listen("REST", "127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours(host: str) -> None:
    with pytest.raises(BindError, match=f"cannot listen on {host}"):
        listen("REST", host, 0)
