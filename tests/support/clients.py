"""Clients of a gateway that ask without a pause."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.processes import Answer, GatewayProcess, until


class Clients:
    """So many that ask a model the same, at `path` or in the native way; keeps every answer."""

    def __init__(
        self,
        gateway: GatewayProcess,
        model: str,
        body: bytes,
        count: int,
        *,
        path: str | None = None,
        **headers: str,
    ) -> None:
        self.answers: list[Answer] = []
        self._gateway = gateway
        self._path = path or f"/models/{model}"
        self._body = body
        self._headers = headers
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]

    def _ask(self) -> None:
        while not self._stopping.is_set():
            self.answers.append(self._gateway.post(self._path, self._body, **self._headers))

    def wait_for(self, more: int) -> None:
        enough = len(self.answers) + more
        until(lambda: len(self.answers) >= enough, f"{more} more answers")

    @contextmanager
    def asking(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)
