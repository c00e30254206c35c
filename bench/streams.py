"""What open streams leave of the gateway: how long short requests take beside them, in one interleaved run."""

import shutil
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import orjson

from bench.listeners import Listeners
from bench.load import LoadError, Request, ask, latencies_ms
from bench.models import prepared
from bench.stack import Stack, running_stack

_SHORT = {"digits": "image/png", "sentiment": "application/json"}
_WRITERS = {"writer": "writing", "dreamer": "waiting"}
_TOKENS = 1500  # longer than a round
_WARM_UP = 100
_ALL_GONE_WITHIN_S = 60.0
_BUDGET = 2.0


@dataclass(frozen=True)
class Beside:
    """A round: latencies in ms of the same request alone and beside the streams."""

    alone: Sequence[float]
    beside: Sequence[float]


@dataclass(frozen=True)
class Plan:
    """`rounds` times `count` requests to each of the models `short`, one after another, alone and beside so many
    streams of each of the `writers`."""

    rounds: int
    count: int
    streams: int = 256  # as many as the gateway lets in
    short: tuple[str, ...] = tuple(_SHORT)
    writers: tuple[str, ...] = tuple(_WRITERS)


def measure(work: Path, plan: Plan) -> None:
    """Starts the stack on models made under `work`, and prints ratios, or which request or stream failed."""
    store = work / "streams" / "store"
    shutil.rmtree(store, ignore_errors=True)
    found = {name: prepared(name, work) for name in (*plan.short, *plan.writers)}
    for model in found.values():
        shutil.copytree(model.store, store, dirs_exist_ok=True)
    with running_stack(store.resolve(), tuple(found)) as stack:
        requests = {
            name: Request(f"{stack.url}/models/{name}", found[name].bodies[0], {"content-type": _SHORT[name]})
            for name in plan.short
        }
        for request in requests.values():
            latencies_ms(request, count=_WARM_UP)
        for writer in plan.writers:
            try:
                told = _measured(stack, writer, requests, plan)
            except LoadError as exc:
                told = [f"failed: {exc}"]
            click.echo("\n".join([f"{plan.streams} streams {_WRITERS[writer]}", *told]))


def _measured(stack: Stack, writer: str, requests: Mapping[str, Request], plan: Plan) -> list[str]:
    """Lines about the streams of one model; raises `LoadError`."""
    measured: dict[str, list[Beside]] = {name: [] for name in requests}
    rates = []
    ask(_writing(stack, writer, stream=False))  # else the first steps are slow, and most streams are told to come later
    for _ in range(plan.rounds):
        _wait_until_gone(stack)
        alone = {name: latencies_ms(request, count=plan.count) for name, request in requests.items()}
        with Listeners(_writing(stack, writer, stream=True), plan.streams) as listeners:
            began, events = time.monotonic(), listeners.events
            for name, request in requests.items():
                measured[name].append(Beside(alone[name], latencies_ms(request, count=plan.count)))
            rates.append((listeners.events - events) / (time.monotonic() - began))
    written = f"tokens                  {statistics.median(rates):7.0f}/s"
    return [written, *(line for name, beside in measured.items() for line in lines(name, beside))]


def _writing(stack: Stack, writer: str, *, stream: bool) -> Request:
    body = {"inputs": "a", "parameters": {"max_new_tokens": _TOKENS if stream else 50}, "stream": stream}
    return Request(f"{stack.url}/models/{writer}", orjson.dumps(body), {"content-type": "application/json"})


def _wait_until_gone(stack: Stack) -> None:
    """The gateway notices that a caller has left when it tells him something."""
    deadline = time.monotonic() + _ALL_GONE_WITHIN_S
    while left := stack.gauge("kmaas_streams"):
        if time.monotonic() > deadline:
            raise LoadError(f"{left:.0f} streams were open {_ALL_GONE_WITHIN_S:.0f} s after their callers had left")
        time.sleep(0.1)  # the gateway is another process: its gauge can only be read again


def lines(name: str, rounds: Sequence[Beside]) -> list[str]:
    """For the median and the 99th percentile the medians over the rounds, and that of the ratio within a round."""
    return [_line(name, rounds, percent) for percent in (50, 99)]


def _line(name: str, rounds: Sequence[Beside], percent: int) -> str:
    pairs = [(_percentile(one.alone, percent), _percentile(one.beside, percent)) for one in rounds]
    alone, beside = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(after / before for before, after in pairs)
    return (
        f"{name:10} p{percent}              alone {alone:7.2f} ms   beside the streams {beside:7.2f} ms   "
        f"ratio {ratio:5.2f}   budget ≤ {_BUDGET:.0f}"
    )


def _percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent are not above."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]
