"""Which pages and names may ask for galleries: what is kept can be changed, and read, by whoever reaches this port."""

from collections.abc import Collection
from urllib.parse import urlsplit

from gateway.errors import HostError, OriginError
from gateway.loopback import is_loopback


def check(origin: str | None, host: str, bound: str, allowed: Collection[str]) -> None:
    """A browser names the origin of the page that asks, for everything but to look. Of a gateway that this machine
    alone can reach a page might have its own name resolved to this machine: it comes with that name.

    Args:
        origin, host: the headers.
        bound: the address at which the gateway is.
        allowed: origins whose pages may ask, by `cors_origins`.

    Raises:
        OriginError, HostError: not this page, or not by this name.
    """
    if origin is not None and origin not in allowed and _place(origin) != (host, _name(host)):
        raise OriginError(origin, "for galleries here; cors_origins of the gateway's settings lists those that may")
    if is_loopback(bound) and not is_loopback(_name(host)) and host not in {_place(one)[0] for one in allowed}:
        raise HostError("of galleries")


def _name(host: str) -> str:
    """Without the port."""
    return _place(f"//{host}")[1]


def _place(url: str) -> tuple[str, str]:
    """With and without the port; nothing of what is no URL."""
    try:
        parts = urlsplit(url)
        return parts.netloc, parts.hostname or ""
    except ValueError:
        return "", ""
