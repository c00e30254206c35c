"""Bodies of HTTP requests and answers: read whole and bounded, gzip both ways."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from serving.in_flight import InFlight

MAX_BODY = 512 * 2**20  # bytes as sent
MAX_INFLATED = 100 * 10**6  # bytes of a gzip body, TensorFlow Serving's limit

_GZIP = 16 + zlib.MAX_WBITS
_WORTH_PACKING = 1024  # bytes; below, the header weighs more than what is saved

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class TooLarge(Exception):  # noqa: N818 (part of no error tree: the face answers it at once)
    """A body beyond what is accepted; the message says so."""


class Disconnected(Exception):  # noqa: N818 (nobody is left to hear of an error)
    """The client left before the end of its body."""


class TooMuch(Exception):  # noqa: N818 (as above)
    """A body for which there is no room beside those of others; the message says so."""


@asynccontextmanager
async def upload(receive: Receive, held: InFlight, timeout_s: float) -> AsyncIterator[bytes]:
    """The whole body, whose bytes count in `held` until the block ends.

    One that is refused is read to its end too, and forgotten: a client that still sends would not see the answer.

    Raises:
        Disconnected: the client left before the end.
        TimeoutError: it did not arrive in time.
        TooLarge: more than `MAX_BODY`.
        TooMuch: others hold what may be held.
    """
    parts: list[bytes] = []
    size, refusal, more = 0, None, True
    try:
        async with asyncio.timeout(timeout_s):
            while more:
                part, more = await _part(receive)
                refusal = refusal or _refusal(size + len(part), len(part), held)
                if refusal is None:
                    size += len(part)
                    parts.append(part)
                else:
                    parts.clear()
        if refusal is not None:
            raise refusal
        body = b"".join(parts)
        parts.clear()
        yield body
    finally:
        held.leave(size)


async def skip(receive: Receive, timeout_s: float) -> int:
    """Reads a body that nobody needs. Returns its size; raises `Disconnected` and `TimeoutError` as `upload` does."""
    size, more = 0, True
    async with asyncio.timeout(timeout_s):
        while more:
            part, more = await _part(receive)
            size += len(part)
    return size


async def _part(receive: Receive) -> tuple[bytes, bool]:
    """What came, and whether there is more."""
    event = await receive()
    if event["type"] == "http.disconnect":
        raise Disconnected
    return event.get("body", b""), event.get("more_body", False)


def _refusal(size: int, part: int, held: InFlight) -> TooLarge | TooMuch | None:
    if size > MAX_BODY:
        return TooLarge(f"the body is larger than {MAX_BODY} bytes, which is the most that is accepted")
    if not held.enter(part):
        return TooMuch("the bodies of other requests take the memory there is for them")
    return None


def accepts_gzip(header: bytes) -> bool:
    """Whether an `Accept-Encoding` names gzip without refusing it (`q=0`)."""
    for choice in header.decode("latin-1").lower().split(","):
        coding, _, parameters = choice.partition(";")
        if coding.strip() == "gzip":
            return parameters.replace(" ", "").rstrip("0.") != "q="
    return False


def packed(body: bytes) -> bytes | None:
    """As gzip; None: it is too short to be worth it."""
    if len(body) <= _WORTH_PACKING:
        return None
    stream = zlib.compressobj(1, zlib.DEFLATED, _GZIP)  # the fastest level: numbers as text shrink to a third anyway
    return stream.compress(body) + stream.flush()
