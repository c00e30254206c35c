"""`make bench`: the budgets of the gateway, its streams and texts, and the servers beside others. Prints ratios."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import click

from bench import conversations, gateway, machine, speech, streams
from bench.comparison import Plan, Result, compare
from bench.contestants import ROOT, Contestant, contestants, embedders
from bench.models import prepared
from bench.report import markdown, plot
from bench.transport import Workload

_WORKLOADS: Mapping[str, tuple[str, Literal["tensor", "picture", "text"]]] = {
    "trivial": ("trivial", "tensor"),
    "digits": ("digits", "tensor"),
    "mobilenet": ("mobilenet", "tensor"),
    "bert": ("bert", "tensor"),
    "digits-png": ("digits", "picture"),
    "photographs": ("imagenet", "picture"),
    "sentiment-text": ("sentiment", "text"),
}
_PARTS = ("gateway", "streams", "conversations", "servers", "embeddings", "speech")
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


_SERVERS = tuple(contestant.short for contestant in (*contestants(), *embedders()))


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(_PARTS))
@click.option("--store", type=click.Path(path_type=Path), default=Path("var/store"), show_default=True)
@click.option("--models", type=_Names(tuple(_WORKLOADS)), default=tuple(_WORKLOADS), help="Of the servers' comparison.")
@click.option("--servers", type=_Names(_SERVERS), default=_SERVERS, help=f"Any of {', '.join(_SERVERS)}.")
@click.option("--concurrency", "concurrencies", type=_Names(("1", "8", "32", "64")), default=("1", "8", "32", "64"))
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Interleaved rounds.")
@click.option("--quick", is_flag=True, help="One short round: whether it works, not how fast.")
@click.option("--write", is_flag=True, help="Write the comparisons' tables, of all models also a plot, to docs/bench/.")
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
    """Measures PARTS, by default all: `gateway` on STORE, the others on models made for them."""
    if "servers" in parts or not parts:
        plan = Plan(tuple(map(int, concurrencies)), 1 if quick else rounds, 0.1 if quick else 0.5)
        _servers(models, servers, plan, write=write)
    if "embeddings" in parts or not parts:
        _embeddings(servers, 1 if quick else rounds, write=write)
    if "gateway" in parts or not parts:
        gateway.measure(store, rounds=1 if quick else rounds, count=200 if quick else 2000)
    if "streams" in parts or not parts:
        streams.measure(_WORK, streams.Plan(1 if quick else rounds, 50 if quick else 500))
    if "conversations" in parts or not parts:
        conversations.measure(_WORK, 1 if quick else rounds)
    if "speech" in parts or not parts:
        _speech(1 if quick else rounds, write=write)


def _servers(models: tuple[str, ...], servers: tuple[str, ...], plan: Plan, *, write: bool) -> None:
    chosen = [contestant for contestant in contestants() if contestant.short in servers]
    table, results = _compared(chosen, [_workload(name) for name in models], plan, "Requests", "peers")
    if write and set(models) == set(_WORKLOADS):
        plot(results, _DOCS / "servers.svg")
        _write("servers", "The model server beside others", f"![requests per second](servers.svg)\n\n{table}")
    elif write:
        name = "-".join(models)
        _write(name, f"Beside others: {', '.join(models)}", table, f"servers --models {','.join(models)}")


def _embeddings(servers: tuple[str, ...], rounds: int, *, write: bool) -> None:
    """Texts to vectors, one a request and many; a round asks each text once, however long that takes."""
    chosen = [contestant for contestant in embedders() if contestant.short in servers]
    model = prepared("embeddings", _WORK)
    names = {1: "a text a request", 64: "64 texts a request"}
    workloads = [Workload(name, model, "vectors", count) for count, name in names.items()]
    table, _ = _compared(chosen, workloads, Plan((1, 8, 32), rounds, 0), "Texts", "torch-peers")
    if write:
        _write("embeddings", "Vectors of texts, beside sentence-transformers", table)


def _compared(
    chosen: Sequence[Contestant], workloads: Sequence[Workload], plan: Plan, counted: str, lock: str
) -> tuple[str, list[Result]]:
    """A table, which is shown too, and what is in it."""
    facts = _facts(lock)
    results = compare(chosen, workloads, plan, _WORK / "logs", lambda line: click.echo(line, err=True))
    how = {contestant.name: f"{contestant.how}; {contestant.transport.name}" for contestant in chosen}
    table = markdown(results, how, facts, plan.concurrencies, counted)
    click.echo(table)
    return table, results


def _speech(rounds: int, *, write: bool) -> None:
    """What is said in recordings, one request after another."""
    facts = _facts("whisper-peers")
    table = speech.measure(_WORK, rounds)
    click.echo(table)
    if write:
        shown = ", ".join(f"{name} {value}" for name, value in facts.items())
        _write("speech", "What is said in recordings, beside faster-whisper", f"{shown}.\n\n{table}\n")


def _facts(lock: str) -> Mapping[str, str]:
    """Of the machine, and of the peers in that lock file."""
    return {
        **machine.facts(),
        **machine.peers((ROOT / "requirements" / f"{lock}.lock").read_text()),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _workload(name: str) -> Workload:
    click.echo(f"{name}: its model is made unless it is there", err=True)
    model, form = _WORKLOADS[name]
    return Workload(name, prepared(model, _WORK), form)


def _write(name: str, title: str, text: str, part: str | None = None) -> None:
    written = f"Written by `make bench ARGS='{part or name} --write'`."
    (_DOCS / f"{name}.md").write_text(f"# {title}\n\n{written}\n\n{text}")
    click.echo(f"written: {_DOCS / name}.md", err=True)


if __name__ == "__main__":
    main()
