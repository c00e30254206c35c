"""Whose turn a call is: pure functions of the route and a key, the same in every process and after every restart."""

import math
from collections.abc import Callable
from hashlib import blake2b

from gateway.routing.route import Part, Route

_REST = "to"  # the place of the route's own version; no selector is written so
_STEPS = 2**53


def key_of(route: Route, header: Callable[[str], str | None], request_id: str) -> str:
    """What keeps calls together: the value of the route's sticky header, of a call without it the request's id."""
    return (route.sticky and header(route.sticky)) or request_id


def drawn(route: Route, model: str, key: str) -> Part | None:
    """The part of the split that the key falls to; None: the route's own version.

    Weighted rendezvous hashing: each part, and the rest, draws from the key an exponential waiting time whose rate is
    its percentage; the shortest wins. So each has its percentage of all keys, and no key leaves a part that grows at
    the expense of the rest, nor the rest when a part shrinks or goes.
    """
    waits = [(_wait(part.percent, model, _name(part.to), key), part) for part in route.split]
    best, winner = min(waits, key=lambda pair: pair[0], default=(math.inf, None))
    return winner if best < _wait(route.rest, model, _REST, key) else None


def sampled(percent: float, what: str, model: str, key: str) -> bool:
    """Whether a key is among so many of all, as those of every smaller percentage are; independent of the split, and of
    what else is sampled."""
    return uniform(model, what, key) * 100 <= percent


def uniform(*words: str) -> float:
    """Above 0 and up to 1, evenly spread over different words."""
    digest = blake2b("\0".join(words).encode(errors="surrogateescape"), digest_size=8).digest()
    return (int.from_bytes(digest) % _STEPS + 1) / _STEPS


def _wait(percent: float, model: str, name: str, key: str) -> float:
    return -math.log(uniform(model, name, key)) / percent if percent > 0 else math.inf


def _name(to: int | str) -> str:
    return f"={to}"
