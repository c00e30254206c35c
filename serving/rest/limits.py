"""uvicorn's HTTP/1.1 with what it lacks: a limit to the time and the size of a request's head."""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MAX_HEAD = 64 * 2**10  # bytes after those it began with, which are one read of the event loop at most


def limited(head_timeout_s: float) -> type[asyncio.Protocol]:
    """The protocol whose connections end when a head is not there `head_timeout_s` after it was begun or due."""
    return type("LimitedProtocol", (_Limited,), {"head_timeout_s": head_timeout_s})


class _Limited(HttpToolsProtocol):
    head_timeout_s: ClassVar[float]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._head_timer: asyncio.TimerHandle | None = None  # runs while a head is incomplete
        self._head_size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What arrives together with the beginning of a head does not count: most of it may be another request."""
        begun = self._head_timer
        super().data_received(data)
        if self._head_timer is not None and self._head_timer is begun:
            self._head_size += len(data)
            if self._head_size > _MAX_HEAD:
                self.transport.close()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it: true keeps the way back open
        """A client that has said everything, and closed its half, still gets its answer. TLS has no halves."""
        cycle = self.cycle
        answering = cycle is not None and not (cycle.more_body or cycle.response_complete)
        if not answering or self.transport.get_extra_info("sslcontext") is not None:
            return False
        cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begin_head()

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def _begin_head(self) -> None:
        self._end_head()
        self._head_size = 0
        self._head_timer = self.loop.call_later(self.head_timeout_s, self.transport.close)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
