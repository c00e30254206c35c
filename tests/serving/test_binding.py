"""Listening sockets."""

import socket
from pathlib import Path

import pytest

from serving.binding import check_socket_path, listen
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


def test_a_path_for_a_unix_socket(tmp_path: Path) -> None:
    free, left_behind, taken, other = (str(tmp_path / name) for name in ("free", "left", "taken", "other"))
    Path(other).write_text("precious")
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(left_behind)
    for path in (free, left_behind):
        check_socket_path("gRPC", path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(taken)
        listening.listen()
        with pytest.raises(BindError, match=f"cannot listen on {taken} for gRPC: Address already in use"):
            check_socket_path("gRPC", taken)
    with pytest.raises(BindError, match="a file that is not a socket is in the way"):
        check_socket_path("gRPC", other)
    with pytest.raises(BindError, match="is not a folder"):
        check_socket_path("gRPC", str(tmp_path / "none" / "socket"))
