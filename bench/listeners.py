"""Callers of one stream of server-sent events each, many at once, read by one thread that costs little."""

import selectors
import socket
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from bench.load import LoadError, Request

_EVENT, _ERROR = b"data:", b'data: {"error"'
_KEPT = max(len(_EVENT), len(_ERROR)) - 1  # of what came, so that a word on the border of two pieces is found
_LOOK_EVERY_S = 0.1
_GROUP = 32  # so many call at once; the next once these have heard something: it is no rush that is to be measured


@dataclass(eq=False)
class _Caller:
    """A connection with an answer on it, the first one or another, and the last few bytes that came."""

    connection: socket.socket
    again: bool
    tail: bytes = b""
    heard: bool = False


class Listeners:
    """Within the block `count` streams are open, each of them asked for again once it has ended.

    Raises:
        LoadError: on entry when not every stream has told something in time; on leaving when one was refused, broke off
            or told of an error.
    """

    def __init__(self, request: Request, count: int, *, begin_within_s: float = 60.0) -> None:
        address = urlsplit(request.url)
        self._address = (address.hostname or "", address.port or 80)
        headers = {"Host": address.netloc, "Connection": "close", "Content-Length": str(len(request.body))}
        lines = [f"POST {address.path} HTTP/1.1", *(f"{k}: {v}" for k, v in {**headers, **request.headers}.items())]
        self._message = "\r\n".join([*lines, "", ""]).encode() + request.body
        self._count = count
        self._begin_within_s = begin_within_s
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._listen, name="listeners")
        self._told = threading.Condition()
        self._leaving = threading.Event()
        self._heard = 0
        self._fault: str | None = None
        self.events = 0  # so far, of all streams

    def __enter__(self) -> Self:
        self._thread.start()
        for called in range(0, self._count, _GROUP):
            self._begin(min(_GROUP, self._count - called))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if self._fault and error is None:
            raise LoadError(self._fault)

    def _begin(self, count: int) -> None:
        expected = self._heard + count
        try:
            for _ in range(count):
                self._call()
        except OSError as exc:
            self._fault = f"{self._address[0]}:{self._address[1]} did not answer: {exc}"
        with self._told:
            begun = self._told.wait_for(lambda: self._fault or self._heard >= expected, self._begin_within_s)
        if self._fault or not begun:
            self._close()
            raise LoadError(self._fault or f"{self._heard} of {expected} streams began in {self._begin_within_s} s")

    def _call(self, *, again: bool = False) -> None:
        connection = socket.create_connection(self._address, timeout=self._begin_within_s)
        connection.sendall(self._message)
        connection.setblocking(False)
        self._selector.register(connection, selectors.EVENT_READ, _Caller(connection, again))

    def _listen(self) -> None:
        try:
            while not self._leaving.is_set() and not self._fault:
                for key, _ in self._selector.select(_LOOK_EVERY_S):
                    self._read(key.data)
        except OSError as exc:
            self._fault = f"a stream broke off: {exc}"
        with self._told:
            self._told.notify()

    def _read(self, caller: _Caller) -> None:
        piece = caller.connection.recv(65536)
        if not piece:
            self._selector.unregister(caller.connection)
            caller.connection.close()
            if not caller.heard:
                self._fault = f"a stream ended before it began: {caller.tail.decode(errors='replace')}"
            else:
                self._call(again=True)
            return
        seen = caller.tail + piece
        if _ERROR in seen:
            told = seen[seen.index(_ERROR) :].splitlines()[0]
            self._fault = f"a stream told of an error: {told.decode(errors='replace')}"
        elif not caller.tail and not seen.startswith(b"HTTP/1.1 200"):
            self._fault = f"a stream was refused: {seen.decode(errors='replace')}"
        new = seen.count(_EVENT) - caller.tail.count(_EVENT)
        self.events += new
        if new and not caller.heard:
            caller.heard = True
            with self._told:
                self._heard += not caller.again
                self._told.notify()
        caller.tail = seen[-_KEPT:]

    def _close(self) -> None:
        self._leaving.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.data.connection.close()
        self._selector.close()
