"""`kmaas train`: trains a model, or continues a run."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kmaas.chosen import PRESET_HELP, chosen_config
from kmaas.config import Config
from kmaas.own import OwnData, begin_run, tell_of_data, tell_of_result
from kmaas.progress import shown_progress

if TYPE_CHECKING:
    from models.spec import ModelSpec
    from training.run import Run

_NO_JSON = "--json is for a model of your own data; `kmaas evaluate RUN --json` tells of every run"

# Of a model that is trained on a user's own data.
_OWN_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--data", type=click.Path(path_type=Path), help="Your rows: .csv, .tsv, .jsonl or .parquet."),
    click.option("--text-column", help="The column of texts."),
    click.option("--label-column", help="The column of labels."),
    click.option("--separator", help="What is between several labels of a row; JSON lists need none."),
    click.option("--split-column", help="A column that says train, validation or test of each row."),
    click.option("--encoding", help="Of a text file that is not UTF-8, e.g. windows-1252."),
    click.option("--delimiter", help="Between the columns of a CSV file, by default a comma."),
    click.option("--name", help="What your model is to be called; by default as its file."),
    click.option(
        "--backbone",
        help="minilm (the default), a folder with a BERT of Hugging Face's or keras-hub's, or a keras-hub preset.",
    ),
)


def _own_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OWN_OPTIONS):
        command = option(command)
    return command


@click.command("train", short_help="Train a model, or import one; leaves a run folder.")
@click.argument("model", required=False)
@click.option("--epochs", type=int, help="Passes over the training data.")
@click.option("--optimizer", help="sgd (plain gradient descent), adam or muon.")
@click.option("--preset", metavar="NAME|FILE|FOLDER", help=PRESET_HELP)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="One setting; may be repeated.")
@click.option("--resume", type=click.Path(path_type=Path), help="Continue this run with its own configuration.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, of a model that is trained on your own data.")
@click.option("--accept-licence", is_flag=True, help="Accept the terms of a model whose licence is unclear.")
@_own_options
@click.pass_obj
def train(
    config: Config,
    /,
    *,
    model: str | None,
    epochs: int | None,
    optimizer: str | None,
    preset: str | None,
    settings: tuple[str, ...],
    resume: Path | None,
    as_json: bool,
    accept_licence: bool,
    **own: Any,
) -> None:
    """Trains MODEL to its end and evaluates it; the weights of some are imported instead. An interruption loses at most
    one epoch: see --resume, which needs no MODEL.

    MODEL `text-classifier` is trained on your own rows: --data, --text-column and --label-column say where they are.
    What is wrong with them is told before. `kmaas up NAME` then serves it."""
    from models.catalog import OWN, find
    from serving.runtimes.quiet import import_tensorflow_quietly
    from training.fit import train as train_run
    from training.run import resume_command

    spec = None if model is None else find(model)
    given = [f"{key}={value}" for key, value in (("epochs", epochs), ("optimizer", optimizer)) if value is not None]
    begins_own = resume is None and spec is not None and spec.name in OWN
    if not begins_own:
        _check_not_own(own, as_json=as_json and resume is None)
    if resume is not None:
        if given or preset or settings:
            raise click.UsageError("--resume continues a run as it was begun; leave the other options away")
        run = _old_run(resume, spec)
        if as_json and run.spec.model not in OWN:
            raise click.UsageError(_NO_JSON)
    elif spec is None:
        raise click.UsageError("expected a MODEL to train, or --resume RUN to continue one")
    else:
        import_tensorflow_quietly()
        run = (
            begin_run(config, _own_data(own), preset, [*settings, *given])
            if begins_own
            else _new_run(config, spec, preset, [*settings, *given], accept_licence=accept_licence)
        )
    is_own = run.spec.model in OWN
    if not as_json:
        click.echo(run.path)
    if is_own:
        tell_of_data(run)
    import_tensorflow_quietly()
    try:
        with shown_progress() as progress:
            train_run(run, config.cache, progress)
    except KeyboardInterrupt:
        click.echo(f"interrupted; continue with: {resume_command(run)}", err=True)
        raise SystemExit(130) from None
    if is_own:
        tell_of_result(run, as_json=as_json)
        return
    evaluation = run.evaluated.evaluation()
    click.echo(f"accuracy {evaluation.accuracy:.4f} on {evaluation.rows} held-out rows")


def _check_not_own(own: dict[str, Any], *, as_json: bool) -> None:
    """Raises `click.UsageError` for options of a user's own data."""
    if given := [_flag(option) for option, value in own.items() if value is not None]:
        raise click.UsageError(f"{given[0]} is for a model that begins with your own data: text-classifier")
    if as_json:
        raise click.UsageError(_NO_JSON)


def _own_data(own: dict[str, Any]) -> OwnData:
    """Raises `click.UsageError` for what is missing."""
    if missing := [_flag(option) for option in ("data", "text_column", "label_column") if not own[option]]:
        raise click.UsageError(f"{', '.join(missing)} must say where your rows are")
    name = own["name"] or re.sub(r"[^a-z0-9]+", "-", own["data"].stem.lower()).strip("-")
    return OwnData(**own | {"name": name, "backbone": own["backbone"] or "minilm"})


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _new_run(
    config: Config, spec: "ModelSpec", preset: str | None, settings: Sequence[str], *, accept_licence: bool
) -> "Run":
    from models.catalog import spec_of
    from models.errors import LicenceNotAcceptedError
    from training.fingerprint import fingerprint
    from training.run import Run

    chosen = chosen_config(spec, preset, settings)
    spec = spec_of(chosen)
    if spec.licence_unclear and not accept_licence:
        raise LicenceNotAcceptedError(spec.name, [origin.licence for origin in spec.origins])
    return Run.create(config.runs, spec, chosen, fingerprint(spec, chosen))


def _old_run(path: Path, spec: "ModelSpec | None") -> "Run":
    from training.run import Run

    run = Run.open(path)
    if spec is not None and spec.name not in (run.spec.name, run.spec.model):
        raise click.UsageError(f"{path} is a run of {run.spec.name}, not of {spec.name}")
    return run
