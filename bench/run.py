"""`make bench`: the budgets of the gateway, its streams and texts, and the servers beside others. Prints ratios."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import click

from bench import conversations, gateway, machine, streams
from bench.comparison import Plan, Result, compare
from bench.contestants import ROOT, contestants
from bench.models import prepared
from bench.report import markdown, plot
from bench.transport import Workload

_WORKLOADS: Mapping[str, tuple[str, Literal["tensor", "png", "text"]]] = {
    "trivial": ("trivial", "tensor"),
    "digits": ("digits", "tensor"),
    "mobilenet": ("mobilenet", "tensor"),
    "bert": ("bert", "tensor"),
    "digits-png": ("digits", "png"),
    "sentiment-text": ("sentiment", "text"),
}
_DOCS = ROOT / "docs" / "bench"
_WORK = ROOT / "var" / "bench"


class _Names(click.ParamType[tuple[str, ...]]):
    """Some of a list of names, with commas between them."""

    name = "NAME,…"

    def __init__(self, known: tuple[str, ...]) -> None:
        self._known = known

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        wanted = value if isinstance(value, tuple) else tuple(str(value).split(","))
        if unknown := set(wanted) - set(self._known):
            self.fail(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(self._known)}", param, ctx)
        return wanted


_SERVERS = tuple(contestant.short for contestant in contestants())


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(["gateway", "streams", "conversations", "servers"]))
@click.option("--store", type=click.Path(path_type=Path), default=Path("var/store"), show_default=True)
@click.option("--models", type=_Names(tuple(_WORKLOADS)), default=tuple(_WORKLOADS), help="Of the servers' comparison.")
@click.option("--servers", type=_Names(_SERVERS), default=_SERVERS, help=f"Any of {', '.join(_SERVERS)}.")
@click.option("--concurrency", "concurrencies", type=_Names(("1", "8", "32", "64")), default=("1", "8", "32", "64"))
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Interleaved rounds.")
@click.option("--quick", is_flag=True, help="One short round: whether it works, not how fast.")
@click.option("--write", is_flag=True, help="Write the comparison's table and plot to docs/bench/.")
def main(
    *,
    parts: tuple[str, ...],
    store: Path,
    models: tuple[str, ...],
    servers: tuple[str, ...],
    concurrencies: tuple[str, ...],
    rounds: int,
    quick: bool,
    write: bool,
) -> None:
    """Measures PARTS, by default all: `gateway` on STORE, `streams`, `conversations` and `servers` on models made for
    them."""
    if "servers" in parts or not parts:
        plan = Plan(tuple(map(int, concurrencies)), 1 if quick else rounds, 0.1 if quick else 0.5)
        _servers(models, servers, plan, write=write)
    if "gateway" in parts or not parts:
        gateway.measure(store, rounds=1 if quick else rounds, count=200 if quick else 2000)
    if "streams" in parts or not parts:
        streams.measure(_WORK, streams.Plan(1 if quick else rounds, 50 if quick else 500))
    if "conversations" in parts or not parts:
        conversations.measure(_WORK, 1 if quick else rounds)


def _servers(models: tuple[str, ...], servers: tuple[str, ...], plan: Plan, *, write: bool) -> None:
    chosen = [contestant for contestant in contestants() if contestant.short in servers]
    workloads = [_workload(name) for name in models]
    load_before = os.getloadavg()[0]
    results = compare(chosen, workloads, plan, _WORK / "logs", lambda line: click.echo(line, err=True))
    facts = {
        **machine.facts(),
        **machine.peers((ROOT / "requirements" / "peers.lock").read_text()),
        "load before": f"{load_before:.1f}",
    }
    how = {contestant.name: f"{contestant.how}; {contestant.transport.name}" for contestant in chosen}
    table = markdown(results, how, facts, plan.concurrencies)
    click.echo(table)
    if write:
        _write(table, results)


def _workload(name: str) -> Workload:
    click.echo(f"{name}: its model is made unless it is there", err=True)
    model, form = _WORKLOADS[name]
    return Workload(name, prepared(model, _WORK), form)


def _write(table: str, results: list[Result]) -> None:
    _DOCS.mkdir(parents=True, exist_ok=True)
    plot(results, _DOCS / "servers.svg")
    title = "# The model server beside others\n\nWritten by `make bench ARGS='servers --write'`."
    (_DOCS / "servers.md").write_text(f"{title}\n\n![requests per second](servers.svg)\n\n{table}")
    click.echo(f"written: {_DOCS}", err=True)


if __name__ == "__main__":
    main()
