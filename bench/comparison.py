"""The comparison itself: the servers take turns in every round, so that what else the machine does meets all alike."""

import contextlib
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import callers
from bench.contestants import Contestant
from bench.load import LoadError, requests_per_s
from bench.running import MissingServerError, Running, running
from bench.transport import Workload, WrongAnswerError

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """`rounds` rounds, in each of them about `seconds` of load per server and concurrency."""

    concurrencies: tuple[int, ...]
    rounds: int
    seconds: float


@dataclass(frozen=True)
class Result:
    """A server on a workload.

    Attributes:
        rates: requests per second of each round, of vectors texts, by concurrency; none where a request failed.
        failures: what went wrong, by concurrency.
        ready_s, memory_mb: see `Running`.
        absent: why it was not measured, None if it was.
    """

    server: str
    workload: str
    rates: dict[int, list[float]] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    ready_s: float | None = None
    memory_mb: float | None = None
    absent: str | None = None

    def rate(self, concurrency: int) -> float | None:
        rates = self.rates.get(concurrency)
        return statistics.median(rates) if rates else None


def ratio(result: Result, other: Result, concurrency: int) -> float | None:
    """How many times as fast `result` is as `other`: the median over the rounds of the ratio within a round.

    None where one of the two failed.
    """
    ours, theirs = result.rates.get(concurrency), other.rates.get(concurrency)
    if not ours or not theirs:
        return None
    return statistics.median(one / another for one, another in zip(ours, theirs, strict=True))


def compare(
    contestants: Sequence[Contestant], workloads: Sequence[Workload], plan: Plan, logs: Path, say: Say
) -> list[Result]:
    """Each server on each workload that it fits; `say` is told what happens, a line at a time."""
    results = []
    for workload in workloads:
        with contextlib.ExitStack() as stack:
            fitting = [contestant for contestant in contestants if contestant.fits(workload)]
            servers = {
                contestant.name: _started(stack, contestant, workload, logs, say)
                for contestant in fitting  # one after the other: each start is timed
            }
            alive = [server for server in servers.values() if isinstance(server, Running)]
            measured = {
                server.contestant.name: Result(
                    server.contestant.name, workload.name, ready_s=server.ready_s, memory_mb=server.memory_mb
                )
                for server in alive
            }
            for concurrency in _sensible(plan.concurrencies, workload):
                _measure(alive, measured, workload, concurrency, plan)
                say(f"{workload.name} at {concurrency}: {_line(measured, concurrency)}")
        for name, server in servers.items():
            results.append(Result(name, workload.name, absent=server) if isinstance(server, str) else measured[name])
    return results


def _sensible(concurrencies: Sequence[int], workload: Workload) -> list[int]:
    """Without those of which some callers would have nothing to ask."""
    return [number for number in concurrencies if workload.form != "vectors" or number <= workload.cases]


def _started(
    stack: contextlib.ExitStack, contestant: Contestant, workload: Workload, logs: Path, say: Say
) -> Running | str:
    """The server until `stack` is left, or why there is none."""
    try:
        server = stack.enter_context(running(contestant, workload, logs))
    except (MissingServerError, WrongAnswerError) as exc:
        say(f"{workload.name}: {contestant.name} is missing: {exc}")
        return str(exc)
    say(f"{workload.name}: {contestant.name} answers rightly")
    return server


def _measure(
    servers: Sequence[Running], results: dict[str, Result], workload: Workload, concurrency: int, plan: Plan
) -> None:
    """Fills `results`. A server of which a request fails is out at this concurrency."""
    counts: dict[str, int] = {}
    for number in range(1 + plan.rounds):  # round 0 warms up, and shows how many requests fill the seconds
        turn = number % len(servers) if servers else 0
        for server in [*servers[turn:], *servers[:turn]]:
            name = server.contestant.name
            result = results[name]
            if concurrency in result.failures:
                continue
            try:
                rate = _rate(server, workload, concurrency, counts.get(name, _warm_up_count(concurrency)))
            except LoadError as exc:
                result.failures[concurrency] = str(exc)
                result.rates.pop(concurrency, None)
                continue
            if number == 0:
                counts[name] = max(2 * concurrency, round(rate * plan.seconds))
            else:
                result.rates.setdefault(concurrency, []).append(rate)


def _rate(server: Running, workload: Workload, concurrency: int, count: int) -> float:
    """Of `count` equal requests; of vectors that of texts, all of them once: their lengths tell what they cost."""
    if workload.form == "vectors":
        return workload.texts * callers.requests_per_s(server.requests, concurrency=concurrency)
    return requests_per_s(server.requests[0], concurrency=concurrency, count=count)


def _warm_up_count(concurrency: int) -> int:
    return 16 + 2 * concurrency


def _line(results: dict[str, Result], concurrency: int) -> str:
    rates = ((name, result.rate(concurrency)) for name, result in results.items())
    return ", ".join(f"{name} {'failed' if rate is None else f'{rate:.0f}/s'}" for name, rate in rates)
