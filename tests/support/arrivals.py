"""Requests that come when they come, whatever becomes of those before: `python -m tests.support.arrivals OPTIONS`.

An open loop, in a process of its own so that whoever measures does not slow it. `OPTIONS` is JSON of `Arrivals`; prints
JSON, a list of `Arrived`.
"""

import asyncio
import base64
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Self

_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Arrived:
    """What became of a request: `status` is 0 where no answer came.

    `latency_s` is from when it should have been sent, so that a client that is late hides nothing.
    """

    at_s: float
    latency_s: float
    status: int
    retry_after: str | None
    version: str | None
    body: str

    @property
    def ends_s(self) -> float:
        return self.at_s + self.latency_s


@dataclass(frozen=True)
class Arrivals:
    """A POST of `body` (base64) to `path`, so many a second for so long, over connections that are used again.

    What finds none free of the `connections` waits for one, and its time runs.
    """

    port: int
    path: str
    body: str
    rate: float
    seconds: float
    connections: int = 512
    patience_s: float = 30.0

    @classmethod
    def of(cls, url: str, path: str, body: bytes, *, rate: float, seconds: float) -> Self:
        return cls(int(url.rpartition(":")[2]), path, base64.b64encode(body).decode(), rate, seconds)

    def measured(self) -> list[Arrived]:
        """Sends them from another process."""
        command = [sys.executable, "-m", __name__, json.dumps(asdict(self))]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=self.seconds + 2 * self.patience_s)
        return [Arrived(**line) for line in json.loads(done.stdout)]

    async def sent(self) -> list[Arrived]:
        body = base64.b64decode(self.body)
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        message = head.encode() + body
        free: asyncio.LifoQueue[_Connection | None] = asyncio.LifoQueue()  # None: one to be opened
        for _ in range(self.connections):
            free.put_nowait(None)
        began_at = time.monotonic()
        sending = []
        for number in range(int(self.rate * self.seconds)):
            at_s = number / self.rate
            wait_s = began_at + at_s - time.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            elif not number % 100:
                await asyncio.sleep(0)  # answers are to be read, too
            sending.append(asyncio.create_task(self._one(message, began_at, at_s, free)))
        return list(await asyncio.gather(*sending))

    async def _one(
        self, message: bytes, began_at: float, at_s: float, free: "asyncio.LifoQueue[_Connection | None]"
    ) -> Arrived:
        connection = await free.get()
        if connection is not None and connection.reader.at_eof():  # closed meanwhile, as one is that was idle for 30 s
            connection.writer.close()
            connection = None
        try:
            async with asyncio.timeout(self.patience_s):
                connection = connection or await _Connection.open(self.port)
                status, headers, body = await connection.ask(message)
        except (OSError, EOFError, TimeoutError):
            connection = None
            return Arrived(at_s, time.monotonic() - began_at - at_s, 0, None, None, "")
        finally:
            free.put_nowait(connection)
        took_s = time.monotonic() - began_at - at_s
        return Arrived(at_s, took_s, status, headers.get("retry-after"), headers.get("x-model-version"), body.decode())


@dataclass(frozen=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, message: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by their names in lower case, body."""
        try:
            self.writer.write(message)
            first, *lines = (await self.reader.readuntil(_HEAD_END)).decode().split("\r\n")[:-2]
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            return int(first.split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))
        except BaseException:
            self.writer.close()
            raise


if __name__ == "__main__":
    arrivals = Arrivals(**json.loads(sys.argv[1]))
    print(json.dumps([asdict(arrived) for arrived in asyncio.run(arrivals.sent())]))  # noqa: T201 (its answer)
