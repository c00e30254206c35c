"""Server-sent events as they come, and a model server that answers when it is let."""

import http.client
import json
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.support.processes import GatewayProcess


class Events:
    """An open stream: iterates over its lines but the empty ones; leave the block, and the caller is gone."""

    def __init__(self, gateway: GatewayProcess, path: str, body: object, **headers: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=60)
        self._connection.request("POST", path, json.dumps(body).encode(), headers)
        self._answer = self._connection.getresponse()
        self.status = self._answer.status
        self.headers = {name.title(): value for name, value in self._answer.getheaders()}

    def __iter__(self) -> Iterator[str]:
        while line := self._answer.readline():
            if text := line.decode().strip():
                yield text

    def data(self) -> Iterator[Any]:
        """The documents of the events; `[DONE]` as it is."""
        for line in self:
            name, _, value = line.partition(":")
            assert name == "data"
            yield value.strip() if value.strip() == "[DONE]" else json.loads(value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answer.close()
        self._connection.close()


class Gate:
    """Put into a `Proxy` as its `distort`: each answer of `version` waits until it is let through."""

    def __init__(self, version: int = 1) -> None:
        self.waiting = 0  # answers that came so far
        self._version = version
        self._permits = threading.Semaphore(0)

    def let(self, answers: int) -> None:
        self._permits.release(answers)

    def __call__(self, response: Any) -> Any:
        if response.model_spec.version.value == self._version:
            self.waiting += 1
            self._permits.acquire(timeout=60)
        return response
