"""`kmaas tune`: searches for a model's best configuration, or continues a search."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kmaas.config import Config
from kmaas.trials import shown_trials

if TYPE_CHECKING:
    from models.spec import ModelSpec
    from training.search import Method, Search

_TRIALS = 20


@click.command("tune", short_help="Search for a model's best configuration.")
@click.argument("model", required=False)
@click.option(
    "--method", type=click.Choice(("random", "hyperband", "bayesian")), help="How to search.  [default: random]"
)
@click.option("--trials", type=click.IntRange(1), help=f"Trials at most.  [default: {_TRIALS}]")
@click.option("--space", type=click.Path(path_type=Path), help="What to search, as TOML.  [default: the model's own]")
@click.option(
    "--max-epochs", type=click.IntRange(1), help="Epochs of a trial at most; not the preset's.  [default: the preset's]"
)
@click.option("--rows", type=int, help="Only so many training rows, for quick trials.")
@click.option("--preset", metavar="NAME|FILE", help="What is not searched, as in `train`.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One such setting; may be repeated.")
@click.option("--resume", type=click.Path(path_type=Path), help="Continue the search in this folder as it was begun.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Where the best preset goes.  [default: var/presets/MODEL.toml]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the trials as JSON.")
@click.pass_obj
def tune(
    config: Config,
    *,
    model: str | None,
    method: "Method | None",
    trials: int | None,
    space: Path | None,
    max_epochs: int | None,
    rows: int | None,
    preset: str | None,
    settings: tuple[str, ...],
    resume: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Tries configurations of MODEL, each trained on four fifths of the training rows and measured on the rest; the
    held-out rows are not looked at. The best becomes a preset for `kmaas train MODEL --preset FILE`, with the epochs of
    a training, not of a trial; one that is there already is replaced. An interruption loses at most one trial: see
    --resume, which needs no MODEL."""
    from models.catalog import find

    spec = find(model) if model else None
    given = [] if rows is None else [f"rows={rows}"]
    if resume is not None:
        if method or trials or max_epochs or space or preset or settings or given:
            raise click.UsageError("--resume continues a search as it was begun; leave the other options away")
        search = _old_search(resume, spec)
    elif spec is not None:
        search = _new_search(
            config,
            spec,
            preset,
            [*settings, *given],
            space=space,
            method=method or "random",
            trials=trials or _TRIALS,
            max_epochs=max_epochs,
        )
    else:
        raise click.UsageError("expected a MODEL to tune, or --resume FOLDER to continue a search")
    _tune(config, search, output or config.presets / f"{search.spec.entry}.toml", as_json=as_json)


def _tune(config: Config, search: "Search", output: Path, *, as_json: bool) -> None:
    from serving.runtimes.quiet import import_keras_quietly
    from training.preset import copy_preset
    from training.search import best_of
    from training.tune import tune as search_on

    click.echo(search.path, err=as_json)
    import_keras_quietly()
    try:
        with shown_trials(list(search.plan.space)) as (progress, told):
            trials = search_on(search, config.cache, progress, told)
    except KeyboardInterrupt:
        click.echo(f"interrupted; continue with: kmaas tune --resume {search.path}", err=True)
        raise SystemExit(130) from None
    copy_preset(search.preset, output)
    best = best_of(trials)
    if as_json:
        facts = {"model": search.spec.name, "method": search.plan.method, "search": str(search.path)}
        found = {"trials": [asdict(trial) for trial in trials], "best": asdict(best), "preset": str(output)}
        click.echo(json.dumps(facts | found, indent=2))
        return
    click.echo(f"trial {best.number} is the best of {len(trials)}: {best.measure} {best.score:.4f} on validation rows")
    click.echo(f"kmaas train {search.spec.name} --preset {output}")


def _new_search(
    config: Config,
    spec: "ModelSpec",
    preset: str | None,
    settings: Sequence[str],
    *,
    space: Path | None,
    method: "Method",
    trials: int,
    max_epochs: int | None,
) -> "Search":
    from models.catalog import spec_of
    from training.config import find_preset, load_train_config
    from training.recipes import check_tunable
    from training.search import Search
    from training.space import load_space

    check_tunable(spec)
    base = load_train_config(spec, find_preset(spec.name, preset) if preset else None, settings)
    spec = spec_of(base)
    found = load_space(spec, base, space)
    return Search.create(config.searches, spec, base, found, method=method, trials=trials, max_epochs=max_epochs)


def _old_search(path: Path, spec: "ModelSpec | None") -> "Search":
    from training.search import Search

    search = Search.open(path)
    if spec is not None and spec.name != search.spec.name:
        raise click.UsageError(f"{path} is a search of {search.spec.name}, not of {spec.name}")
    return search
