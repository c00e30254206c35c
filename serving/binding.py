"""Listening sockets, and why one cannot be had."""

import socket

from serving.errors import BindError


def listen(protocol: str, host: str, port: int) -> socket.socket:
    """A listening TCP socket, which the caller closes.

    Raises:
        BindError: the port is taken, the host is not ours, or we may not.
    """
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        opened = socket.socket(family, kind, number)
    except OSError as exc:
        raise BindError(protocol, host, port, exc.strerror or str(exc)) from exc
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(1024)
    except OSError as exc:
        opened.close()
        raise BindError(protocol, host, port, exc.strerror or str(exc)) from exc
    return opened
