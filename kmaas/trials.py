"""Shows the trials of a search: a table above the bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from kmaas.progress import BarProgress, bars_on, shown_progress
from training.progress import Progress
from training.search import Trial, best_of

if TYPE_CHECKING:
    import rich.table


@contextmanager
def shown_trials(keys: Sequence[str]) -> Iterator[tuple[Progress, Callable[[Trial], None]]]:
    """On standard error, until the block is left. `keys` are the settings that are searched."""
    trials: list[Trial] = []
    if not sys.stderr.isatty():
        with shown_progress() as progress:
            yield progress, lambda trial: click.echo(line(trial), err=True)
        return
    from rich.console import Console, Group
    from rich.live import Live

    console = Console(stderr=True)
    bars = bars_on(console)
    with Live(Group(table(keys, trials), bars), console=console) as live:

        def told(trial: Trial) -> None:
            trials.append(trial)
            live.update(Group(table(keys, trials), bars))

        yield BarProgress(bars), told


def line(trial: Trial) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in trial.settings.items())
    return f"trial {trial.number}: {trial.measure} {trial.score:.4f}, epochs {trial.epochs}, {settings}"


def table(keys: Sequence[str], trials: Sequence[Trial]) -> "rich.table.Table":
    """A row for each trial, the best one marked."""
    from rich.table import Table

    found = Table("trial", *keys, "epochs", trials[0].measure if trials else "score")
    best: Any = best_of(list(trials)).number if trials else None
    for trial in trials:
        cells = (trial.number, *(trial.settings[key] for key in keys), trial.epochs, f"{trial.score:.4f}")
        found.add_row(*map(str, cells), style="bold green" if trial.number == best else None)
    return found
