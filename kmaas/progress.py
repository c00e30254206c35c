"""Shows how far long work is: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from training.progress import Progress

if TYPE_CHECKING:
    import rich.console
    import rich.progress

_LINE_EVERY_S = 10.0  # plain lines: how often within a stage, at most


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Progress on standard error, until the block is left."""
    if not sys.stderr.isatty():
        yield PlainProgress(lambda line: click.echo(line, err=True), time.monotonic)
        return
    from rich.console import Console

    with bars_on(Console(stderr=True)) as bars:
        yield BarProgress(bars)


def bars_on(console: "rich.console.Console") -> "rich.progress.Progress":
    """The bars that `BarProgress` moves."""
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    return Bars(*columns, console=console)


class PlainProgress:
    """A line when a stage begins, when there is a new detail, and every ten seconds: with the time left."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float]) -> None:
        """`clock` counts seconds."""
        self._write, self._clock = write, clock
        self.stage("", 0)

    def stage(self, name: str, total: int) -> None:
        self._name, self._total, self._detail = name, total, ""
        self._began = self._wrote = self._clock()
        if name:
            self._write(name)

    def at(self, done: int, detail: str = "") -> None:
        now = self._clock()
        if (detail and detail != self._detail) or now - self._wrote >= _LINE_EVERY_S:
            self._detail, self._wrote = detail or self._detail, now
            left = time_left_s(done, self._total, now - self._began)
            count = f" {done}/{self._total}" if self._total > 1 else ""
            parts = (f"{self._name}{count}", detail, f"{left:.0f} s left" if left else "")
            self._write(", ".join(filter(None, parts)))


class BarProgress:
    """A bar for each stage, by rich."""

    def __init__(self, bars: "rich.progress.Progress") -> None:
        self._bars = bars
        self._stage: tuple[rich.progress.TaskID, int] | None = None

    def stage(self, name: str, total: int) -> None:
        if self._stage is not None:
            task, steps = self._stage
            self._bars.update(task, completed=steps)
        self._stage = self._bars.add_task(name, total=total, detail=""), total

    def at(self, done: int, detail: str = "") -> None:
        if self._stage is not None:
            self._bars.update(self._stage[0], completed=done)
            if detail:
                self._bars.update(self._stage[0], detail=detail)


def time_left_s(done: int, total: int, elapsed_s: float) -> float | None:
    """Seconds until `total`, at the pace so far; None when there is no pace yet or nothing is left."""
    return elapsed_s / done * (total - done) if 0 < done < total else None
