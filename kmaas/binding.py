"""Which addresses a server may bind to while there are no accounts."""

import ipaddress

from kmaas.errors import OpenAddressError


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(host: str, *, no_auth: bool) -> None:
    """Raises `OpenAddressError` for an address that others can reach, unless the operator said `no_auth`."""
    if not (no_auth or is_loopback(host)):
        raise OpenAddressError(host)
