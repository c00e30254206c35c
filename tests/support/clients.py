"""Clients of a gateway that ask without a pause."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from store.golden import difference
from tests.support.processes import Answer, GatewayProcess, until

_ROUNDING = 1e-6


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

    def different(self, *headers: str) -> list[Answer]:
        """One of each kind of the answers that were given, in their order: of one kind are those with the same of these
        headers, and the same in JSON. Numbers may differ by rounding, for rows share runs."""
        kinds: list[tuple[list[str], Any, Answer]] = []
        for answer in self.answers:
            if answer.status != 200:
                continue
            head, said = [answer.headers[name] for name in headers], answer.json()
            if not any(head == known and difference(told, said, _ROUNDING) is None for known, told, _ in kinds):
                kinds.append((head, said, answer))
        return [answer for _, _, answer in kinds]

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)
