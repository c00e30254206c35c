"""Listening sockets, and why one cannot be had."""

import socket
from pathlib import Path

from serving.errors import BindError


def listen(protocol: str, host: str, port: int) -> socket.socket:
    """A listening TCP socket, which the caller closes.

    Raises:
        BindError: the port is taken, the host is not ours, or we may not.
    """
    where = f"{host} port {port}"
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        opened = socket.socket(family, kind, number)
    except OSError as exc:
        raise BindError(protocol, where, exc.strerror or str(exc)) from exc
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(1024)
    except OSError as exc:
        opened.close()
        raise BindError(protocol, where, exc.strerror or str(exc)) from exc
    return opened


def check_socket_path(protocol: str, path: str) -> None:
    """Whether a UNIX socket may be made at `path`: gRPC would replace one that another server listens on.

    Raises:
        BindError: somebody listens there, it is another kind of file, or its folder is missing.
    """
    place = Path(path)
    if not place.parent.is_dir():
        raise BindError(protocol, path, f"{place.parent} is not a folder")
    if not place.exists():
        return
    if not place.is_socket():
        raise BindError(protocol, path, "a file that is not a socket is in the way")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:  # left behind by a server that is gone
            return
    raise BindError(protocol, path, "Address already in use")
