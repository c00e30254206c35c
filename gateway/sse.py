"""Server-sent events: what an answer in pieces looks like on the wire, and how it shows that it lives."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from gateway.deadline import Clock

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # else nginx keeps pieces until it has many
}
DONE = b"data: [DONE]\n\n"
HEARTBEAT = b": still at work\n\n"  # a comment: clients pass over it, proxies see that something comes


def event(document: Any) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def alive(events: Iterable[bytes | None], heartbeat_s: float, clock: Clock = time.monotonic) -> Iterator[bytes]:
    """The events, and a heartbeat where for so long there were only None: steps of work with nothing to tell."""
    spoke_at = clock()
    for said in events:
        if said is None and clock() - spoke_at < heartbeat_s:
            continue
        yield HEARTBEAT if said is None else said
        spoke_at = clock()
