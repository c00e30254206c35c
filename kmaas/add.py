"""`kmaas add`: from the name of a catalogue model to a published version."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kmaas.chosen import PRESET_HELP, chosen_config
from kmaas.config import Config
from kmaas.progress import shown_progress
from kmaas.sieve import without_chatter

if TYPE_CHECKING:
    from models.spec import ModelConfig, ModelSpec
    from training.progress import Progress
    from training.run import Run


@click.command("add", short_help="Fetch, train, export and publish catalogue models.")
@click.argument("names", nargs=-1, required=True, metavar="MODEL...")
@click.option("--if-missing", is_flag=True, help="Skip models that the store has already.")
@click.option("--preset", metavar="NAME|FILE|FOLDER", help=PRESET_HELP)
@click.option("--name", help="With a checkpoint: under which name to serve it.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A setting of the training, as in `train`.")
@click.option("--accept-licence", is_flag=True, help="Accept the terms of models whose licence is unclear.")
@click.pass_obj
def add(
    config: Config,
    *,
    names: tuple[str, ...],
    if_missing: bool,
    preset: str | None,
    name: str | None,
    settings: tuple[str, ...],
    accept_licence: bool,
) -> None:
    """Brings each MODEL into the store: one of the catalogue (`all` for every one), or your own, by the name that it
    was trained under; a running stack takes it up by itself. An interrupted `add` continues where it was. A finished
    run of the same code, data and settings is used again; of your own model it is the newest run."""
    from models.catalog import select, spec_of
    from models.errors import LicenceNotAcceptedError

    own = {model: run for model in names if (run := _own_run(config, model))}
    if own and (preset or settings or name):
        raise click.UsageError(f"{next(iter(own))} is as it was trained; --preset and --set are for `kmaas train`")
    named = select([model for model in names if model not in own])
    configs = [chosen_config(spec, preset, settings, name) for spec in named]
    specs = [spec_of(chosen) for chosen in configs]
    for spec in specs:
        if spec.licence_unclear and not accept_licence:
            raise LicenceNotAcceptedError(spec.name, [origin.licence for origin in spec.origins])
    try:
        with without_chatter(), shown_progress() as progress:
            for spec, chosen in zip(specs, configs, strict=True):
                _add(config, spec.name, partial(_run, config, spec, chosen), progress, if_missing=if_missing)
            for model, run in own.items():
                _add(config, model, partial(_same, run), progress, if_missing=if_missing)
    except KeyboardInterrupt:
        click.echo("interrupted; the same command continues where this one was", err=True)
        raise SystemExit(130) from None


def _own_run(config: Config, name: str) -> "Run | None":
    """The newest run of a user's own model, None where the catalogue has the name, or nobody."""
    from models.catalog import ALL, CATALOG, OWN
    from training.run import runs_of

    if name in (ALL, *CATALOG, *OWN):
        return None
    return next(iter(runs_of(config.runs, name)), None)


def _same(run: "Run") -> "Run":
    return run


def _add(config: Config, name: str, find: Callable[[], "Run"], progress: "Progress", *, if_missing: bool) -> None:
    """`find` finds its run, or makes one."""
    from kmaas.stages import exported
    from store.layout import Store
    from store.publish import publish
    from training.data.lock import locked

    store = Store.at(config.store)
    with locked(config.runs / name):  # a second `add` of a model waits, then finds the first one's run
        if if_missing and store.versions(name):
            click.echo(f"{name}: the store has it")
            return
        with exported(_exported(config, find, progress)) as export:
            version = publish(store, export)
    click.echo(f"{name}: published as version {version.number}")


def _exported(config: Config, find: Callable[[], "Run"], progress: "Progress") -> Path:
    from kmaas.stages import export_run, warn_of_lacks
    from serving.runtimes.quiet import import_keras_quietly
    from training.fit import train

    import_keras_quietly()
    run = find()
    if not run.finished:
        train(run, config.cache, progress)
    progress.stage(f"export {run.spec.name}", 1)
    exported = export_run(run)
    progress.at(1)
    warn_of_lacks(exported, config.promotion.minimum)
    return exported


def _run(config: Config, spec: "ModelSpec", chosen: "ModelConfig") -> "Run":
    """The newest run, finished or not, of the same configuration, code and data; a new one if there is none."""
    from training.fingerprint import fingerprint
    from training.run import Run, runs_of

    wanted = fingerprint(spec, chosen)
    same = [run for run in runs_of(config.runs, spec.name) if run.fingerprint == wanted]
    same.sort(key=lambda run: not run.finished)
    return same[0] if same else Run.create(config.runs, spec, chosen, wanted)
