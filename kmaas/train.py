"""`kmaas train`: trains a model, or continues a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kmaas.chosen import PRESET_HELP, chosen_config
from kmaas.config import Config
from kmaas.progress import shown_progress

if TYPE_CHECKING:
    from models.spec import ModelSpec
    from training.run import Run


@click.command("train", short_help="Train a model, or import one; leaves a run folder.")
@click.argument("model", required=False)
@click.option("--epochs", type=int, help="Passes over the training data.")
@click.option("--optimizer", help="sgd (plain gradient descent), adam or muon.")
@click.option("--preset", metavar="NAME|FILE|FOLDER", help=PRESET_HELP)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One setting; may be repeated.")
@click.option("--resume", type=click.Path(path_type=Path), help="Continue this run with its own configuration.")
@click.pass_obj
def train(
    config: Config,
    *,
    model: str | None,
    epochs: int | None,
    optimizer: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    resume: Path | None,
) -> None:
    """Trains MODEL to its end and evaluates it; the weights of some are imported instead. An interruption loses at most
    one epoch: see --resume, which needs no MODEL."""
    from models.catalog import find
    from serving.runtimes.quiet import import_tensorflow_quietly
    from training.fit import train as train_run
    from training.run import resume_command

    spec = None if model is None else find(model)
    given = [f"{key}={value}" for key, value in (("epochs", epochs), ("optimizer", optimizer)) if value is not None]
    if resume is not None:
        if given or preset or settings:
            raise click.UsageError("--resume continues a run as it was begun; leave the other options away")
        run = _old_run(resume, spec)
    elif spec is not None:
        run = _new_run(config, spec, preset, [*settings, *given])
    else:
        raise click.UsageError("expected a MODEL to train, or --resume RUN to continue one")
    click.echo(run.path)
    import_tensorflow_quietly()
    try:
        with shown_progress() as progress:
            train_run(run, config.cache, progress)
    except KeyboardInterrupt:
        click.echo(f"interrupted; continue with: {resume_command(run)}", err=True)
        raise SystemExit(130) from None
    evaluation = run.evaluated.evaluation()
    click.echo(f"accuracy {evaluation.accuracy:.4f} on {evaluation.rows} held-out rows")


def _new_run(config: Config, spec: "ModelSpec", preset: str | None, settings: Sequence[str]) -> "Run":
    from models.catalog import spec_of
    from training.fingerprint import fingerprint
    from training.run import Run

    chosen = chosen_config(spec, preset, settings)
    spec = spec_of(chosen)
    return Run.create(config.runs, spec, chosen, fingerprint(spec, chosen))


def _old_run(path: Path, spec: "ModelSpec | None") -> "Run":
    from training.run import Run

    run = Run.open(path)
    if spec is not None and spec.name != run.spec.name:
        raise click.UsageError(f"{path} is a run of {run.spec.name}, not of {spec.name}")
    return run
