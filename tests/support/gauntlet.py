"""Callers who ask steadily while something breaks, and hold every answer against what its version answers."""

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from store.golden import Golden, difference
from tests.support.processes import Answer, GatewayProcess, until

IN_A_ROW = 20  # right answers after which it is over
SETTLED = 60

# What a caller may be told besides an answer, by status: docs/chaos.md.
_TYPES = {408: {"timeout"}, 502: {"generation"}, 503: {"overloaded"}, 504: {"timeout"}}


@dataclass(frozen=True)
class Told:
    """What became of a request: `status` is 0 where the connection broke, `fault` says what is wrong with the rest."""

    began_at: float
    ended_at: float
    status: int
    version: str | None
    fault: str | None

    @property
    def right(self) -> bool:
        return self.status == 200 and self.fault is None


@dataclass
class Gauntlet:
    """So many callers of the goldens' models, round and round, each at most so often.

    `goldens` are by digest: what a version answers is known by the digest that the answer names.
    """

    gateway: GatewayProcess
    goldens: Mapping[str, tuple[str, Golden]]
    callers: int = 8
    every_s: float = 0.05
    told: list[Told] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(self.callers)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def _ask(self, number: int) -> None:
        bodies = {(model, golden.body, golden.media_type) for model, golden in self.goldens.values()}
        for model, body, media_type in itertools.islice(itertools.cycle(sorted(bodies)), number, None):
            if self._stopping.wait(self.every_s):
                return
            began_at = time.monotonic()
            try:
                answer = self.gateway.post(f"/models/{model}", body, media_type)
                told = Told(began_at, time.monotonic(), answer.status, answer.headers.get("X-Model-Version"), None)
                fault = self._fault(model, answer)
            except OSError as exc:
                told, fault = Told(began_at, time.monotonic(), 0, None, None), repr(exc)
            self.told.append(Told(began_at, told.ended_at, told.status, told.version, fault))

    def _fault(self, model: str, answer: Answer) -> str | None:
        if answer.status == 200:
            asked, golden = self.goldens[answer.headers["X-Model-Digest"]]
            if asked != model:
                return f"{model} was asked, {asked} answered"
            return difference(golden.expected, answer.json(), golden.tolerance)
        return untyped(answer)

    def wait_for(self, more: int) -> None:
        enough = len(self.told) + more
        until(lambda: len(self.told) >= enough, f"{more} more answers")

    def settle(self) -> None:
        """Returns once it answers rightly, again and again, what is asked from now on."""
        since = time.monotonic()

        def settled() -> bool:
            latest = self.told[-SETTLED:]
            return len(latest) == SETTLED and all(told.right and told.began_at >= since for told in latest)

        until(settled, "right answers only")

    def recovered_s(self, over_at: float) -> float:
        """Seconds from `over_at` to the first of right answers in a row to requests made since."""
        run = 0
        since = sorted((told for told in self.told if told.began_at >= over_at), key=lambda told: told.ended_at)
        for number, told in enumerate(since):
            run = run + 1 if told.right else 0
            if run == IN_A_ROW:
                return since[number - IN_A_ROW + 1].ended_at - over_at
        raise AssertionError("it does not recover")

    @property
    def statuses(self) -> Counter[int]:
        return Counter(told.status for told in self.told)

    @property
    def faults(self) -> list[str]:
        """What is wrong with answers; a broken connection is none."""
        return sorted({told.fault for told in self.told if told.fault and told.status})

    @property
    def longest_s(self) -> float:
        return max(told.ended_at - told.began_at for told in self.told)


def untyped(answer: Answer) -> str | None:
    """What is wrong with the answer to a request that failed: its status, its type, or no time to come again."""
    try:
        document = json.loads(answer.body)
    except json.JSONDecodeError:
        return f"{answer.status} with no JSON: {answer.body[:100]!r}"
    if document.get("error_type") not in _TYPES.get(answer.status, ()):
        return f"{answer.status} with {document}"
    if answer.status == 503 and int(answer.headers.get("Retry-After", "0")) < 1:
        return "503 without Retry-After"
    return None
