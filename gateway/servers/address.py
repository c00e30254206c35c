"""Addresses of model servers: `host:port`, or `dns:///name:port` for every address that the name has."""

import socket

DNS = "dns:///"


def is_name(target: str) -> bool:
    """Whether the servers behind it are found by looking the name up, again and again."""
    return target.startswith(DNS)


def looked_up(target: str) -> list[str]:
    """The addresses behind a `dns:///` name, in order. Raises `OSError` when there are none."""
    host, _, port = target.removeprefix(DNS).rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    return sorted({_address(str(place[0]), int(place[1])) for *_, place in found})


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
