"""A proxy that knows bytes and nothing of what they mean: late, torn off, or turned into garbage."""

import asyncio
import random
import socket
import struct
import threading
from types import TracebackType
from typing import Self

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset and forgets what was not sent
_CHUNK_BYTES = 2**16


class TcpProxy:
    """In front of a server on this machine.

    Change at any time, all in force for what comes next: `delay_s` of all bytes, each way; `garbling`, bytes of the
    server are others, as many; `resetting`, connections are reset in the middle of what the server says.
    """

    def __init__(self, port: int) -> None:
        self.delay_s = 0.0
        self.garbling = False
        self.resetting = False
        self.resets = 0
        self._backend = port
        self._random = random.Random(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="tcp-proxy")
        self._closing = asyncio.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._accepted, sock=self._listener):
            await self._closing.wait()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection("127.0.0.1", self._backend)
        except OSError:
            _reset(writer)
            return
        both = (writer, forth)
        try:
            await asyncio.gather(self._pump(reader, forth, both, ()), self._pump(back, writer, both, both))
        finally:  # cancelled, where a client keeps its connection beyond the proxy
            for end in both:
                end.transport.abort()

    async def _pump(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        both: tuple[asyncio.StreamWriter, ...],
        torn: tuple[asyncio.StreamWriter, ...],
    ) -> None:
        """`torn` are the connections to reset, of what the server says."""
        due = 0.0
        try:
            while data := await source.read(_CHUNK_BYTES):
                if torn and self.garbling:
                    data = self._random.randbytes(len(data))
                if torn and self.resetting:
                    sink.write(data[: len(data) // 2])
                    self.resets += 1
                    break
                due = max(due, self._loop.time() + self.delay_s)
                if due > self._loop.time():
                    self._loop.call_at(due, sink.write, data)
                else:
                    sink.write(data)
        except OSError:
            pass
        for writer in torn or (sink,):
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
