"""Which addresses a server may bind to."""

import ipaddress


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(host: str, *, no_auth: bool) -> None:
    """Raises `ValueError` for an address that others can reach, unless the operator said `no_auth`."""
    if not (no_auth or is_loopback(host)):
        raise ValueError(
            f"{host} can be reached from other machines and there are no accounts yet; "
            "bind to 127.0.0.1, or say --no-auth to serve everyone who can connect"
        )
