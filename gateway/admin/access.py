"""Who may use the admin API."""

import hmac

from gateway.errors import HostError, OriginError, TokenError
from gateway.loopback import is_loopback


def check(token: str | None, authorization: str | None, host: str, origin: str | None) -> None:
    """With a token, who sends it. Without one, whoever is on this machine and knows it, but no page in a browser: one
    comes with its origin, for everything but to look; one that had its own name resolved to this machine comes with
    that name.

    Args:
        authorization, host, origin: the headers; `host` with or without a port.

    Raises:
        TokenError, HostError, OriginError: not this caller.
    """
    if token is not None:
        scheme, _, sent = (authorization or "").partition(" ")
        same = hmac.compare_digest(sent.encode(errors="surrogateescape"), token.encode())
        if scheme.lower() != "bearer" or not same:
            raise TokenError
    elif origin is not None:
        raise OriginError(origin, "here: the admin API is for programs")
    elif not is_loopback(_name(host)):
        raise HostError


def _name(host: str) -> str:
    """Without the port; an IPv6 address stands in brackets."""
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]
