"""`kmaas train`: trains a model, or continues a run."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kmaas.chosen import PRESET_HELP, chosen_config
from kmaas.config import Config
from kmaas.own import Brought, begin_run, tell_of_data, tell_of_result
from kmaas.own_pictures import OwnPictures
from kmaas.own_sounds import OwnSounds
from kmaas.own_texts import OwnTexts
from kmaas.progress import shown_progress

if TYPE_CHECKING:
    from models.spec import ModelSpec
    from training.run import Run

_NO_JSON = "--json is for a model of your own data; `kmaas evaluate RUN --json` tells of every run"

# Of a model that is trained on a user's own data.
_OWN_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="Rows: .csv, .tsv, .jsonl, .parquet; or a folder.",
    ),
    click.option("--text-column", help="The column of texts."),
    click.option("--image-column", help="The column of paths of pictures, from where the file is."),
    click.option("--label-column", help="The column of labels."),
    click.option("--separator", help="What is between several labels of a row; JSON lists need none."),
    click.option("--split-column", help="A column that says train, validation or test of each row."),
    click.option("--encoding", help="Of a text file that is not UTF-8, e.g. windows-1252."),
    click.option("--delimiter", help="Between the columns of a CSV file, by default a comma."),
    click.option("--name", help="What your model is to be called; by default as its file."),
    click.option(
        "--backbone",
        help="Of texts: minilm (the default), a folder with a BERT of Hugging Face's or keras-hub's, or a keras-hub "
        "preset. Of pictures: imagenet (the default), or a run of a classifier of pictures.",
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
    MODEL `image-classifier` is trained on your own pictures: --data is a folder with a folder for each label, in train
    and test or not, or a file with --image-column and --label-column. MODEL `audio-classifier` is trained on your own
    recordings, in such a folder. What is wrong with them is told before.
    `kmaas up NAME` then serves it."""
    from models.catalog import OWN, find
    from serving.runtimes.quiet import import_keras_quietly
    from training.fit import train as train_run
    from training.run import resume_command

    spec = None if model is None else find(model)
    given = [f"{key}={value}" for key, value in (("epochs", epochs), ("optimizer", optimizer)) if value is not None]
    brings = resume is None and spec is not None and spec.name in OWN
    if not brings:
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
        run = (
            begin_run(config, _BROUGHT[spec.name](own), preset, [*settings, *given])
            if brings
            else _new_run(config, spec, preset, [*settings, *given], accept_licence=accept_licence)
        )
    is_own = run.spec.model in OWN
    if not as_json:
        click.echo(run.path)
    if is_own:
        tell_of_data(run)
    import_keras_quietly()
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
        raise click.UsageError(f"{given[0]} is for a model that begins with your own data: {' or '.join(_BROUGHT)}")
    if as_json:
        raise click.UsageError(_NO_JSON)


def _texts(own: dict[str, Any]) -> Brought:
    """Raises `click.UsageError` for what is missing, or of pictures."""
    _check_needed(own, "data", "text_column", "label_column")
    return OwnTexts(**_of_kind(own, without=("image_column",), backbone="minilm"))


def _pictures(own: dict[str, Any]) -> Brought:
    """Raises `click.UsageError` for what is missing, or of texts."""
    _check_needed(own, "data")
    if not own["data"].is_dir():
        _check_needed(own, "image_column", "label_column")
    elif given := [option for option in _OF_FILES if own[option] is not None]:
        raise click.UsageError(f"{_flag(given[0])} is for a file of rows, and {own['data']} is a folder")
    return OwnPictures(**_of_kind(own, without=("text_column", "separator"), backbone="imagenet"))


def _sounds(own: dict[str, Any]) -> Brought:
    """Raises `click.UsageError` for what is missing, or of texts or pictures."""
    _check_needed(own, "data")
    others = ("text_column", "image_column", "label_column", "separator", "split_column", "encoding", "delimiter")
    of_kind = _of_kind(own, without=(*others, "backbone"), backbone="")
    return OwnSounds(data=of_kind["data"], name=of_kind["name"])


_OF_FILES = ("image_column", "label_column", "split_column", "encoding", "delimiter")
_BROUGHT: Mapping[str, Callable[[dict[str, Any]], Brought]] = {
    "text-classifier": _texts,
    "image-classifier": _pictures,
    "audio-classifier": _sounds,
}


def _check_needed(own: dict[str, Any], *options: str) -> None:
    if missing := [_flag(option) for option in options if not own[option]]:
        raise click.UsageError(f"{', '.join(missing)} must say where your rows are")


def _of_kind(own: dict[str, Any], *, without: Sequence[str], backbone: str) -> dict[str, Any]:
    """The options without those of other kinds; by default the name is that of the data."""
    if given := [_flag(option) for option in without if own[option] is not None]:
        raise click.UsageError(f"{given[0]} is for rows of another kind")
    path = own["data"].resolve()
    named = re.sub(r"[^a-z0-9]+", "-", (path.name if path.is_dir() else path.stem).lower()).strip("-")
    kept = {option: value for option, value in own.items() if option not in without}
    return kept | {"name": own["name"] or named, "backbone": own["backbone"] or backbone}


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
