"""Who may use the admin API."""

import hmac

from gateway.errors import HostError, TokenError
from gateway.loopback import is_loopback


def check(token: str | None, authorization: str | None, host: str) -> None:
    """With a token, who sends it. Without one, whoever is on this machine and knows it: a page in a browser that had
    its own name resolved to this machine comes with that name.

    Args:
        authorization, host: the headers; `host` with or without a port.

    Raises:
        TokenError, HostError: not this caller.
    """
    if token is not None:
        scheme, _, sent = (authorization or "").partition(" ")
        same = hmac.compare_digest(sent.encode(errors="surrogateescape"), token.encode())
        if scheme.lower() != "bearer" or not same:
            raise TokenError
    elif not is_loopback(_name(host)):
        raise HostError


def _name(host: str) -> str:
    """Without the port; an IPv6 address stands in brackets."""
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
