"""Which addresses a server may bind to while there are no accounts."""

from gateway.loopback import is_loopback
from kmaas.errors import OpenAddressError


def check_bind(host: str, *, no_auth: bool) -> None:
    """Raises `OpenAddressError` for an address that others can reach, unless the operator said `no_auth`."""
    if not (no_auth or is_loopback(host)):
        raise OpenAddressError(host)
