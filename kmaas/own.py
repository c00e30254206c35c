"""A user's own model: from a file of his to a run that can be trained."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kmaas.config import Config
from kmaas.errors import TakenNameError

if TYPE_CHECKING:
    from training.data.findings import DataReport
    from training.run import Run

_REPORT = "data.json"


@dataclass(frozen=True)
class OwnData:
    """What the command line says of it."""

    data: Path
    text_column: str
    label_column: str
    separator: str | None
    split_column: str | None
    encoding: str | None
    delimiter: str | None
    name: str
    backbone: str


def begin_run(config: Config, own: OwnData, preset: str | None, settings: Sequence[str]) -> "Run":
    """Reads and examines the rows, and makes the folder of a run with what was found in them. Where they cannot be
    learnt from, what was found is told on standard error.

    Raises:
        TakenNameError: the catalogue has a model of that name.
        TrainingError: there is nothing to be learnt, no such backbone, or a setting that does not fit.
    """
    from models.catalog import CATALOG, OWN, spec_of
    from models.text_classifier import NAME, TextClassifierConfig
    from training.backbone import load_backbone
    from training.config import find_preset, load_config
    from training.errors import UnlearnableError
    from training.fingerprint import fingerprint
    from training.run import Run
    from training.text_classifier import demands_of, read_labelled_texts

    if own.name in (*CATALOG, *OWN):
        raise TakenNameError(own.name)
    known: dict[str, Any] = {
        "name": own.name,
        "data": _source(own),
        "labels": ["not known yet"],
        "multi_label": False,
        "backbone": load_backbone(own.backbone, config.cache).backbone.model_dump(),
    }
    spec, overlay = OWN[NAME], find_preset(NAME, preset) if preset else None
    asked = load_config(spec, overlay, settings, known)
    assert isinstance(asked, TextClassifierConfig)
    try:
        found = read_labelled_texts(asked.data, demands_of(asked))
    except UnlearnableError as exc:
        for line in exc.findings:
            click.echo(line, err=True)
        raise
    known |= {"labels": list(found.labels), "multi_label": found.multi_label}
    if not asked.languages:
        known["languages"] = list(found.report.languages)
    chosen = load_config(spec, overlay, settings, known)
    run = Run.create(config.runs, spec_of(chosen), chosen, fingerprint(spec_of(chosen), chosen))
    run.write_json(_REPORT, found.report.model_dump(mode="json"))
    return run


def report_of(run: "Run") -> "DataReport":
    """What was found in the rows of a run that `begin_run` made."""
    from training.data.findings import DataReport

    return DataReport.model_validate_json((run.path / _REPORT).read_bytes())


def tell_of_data(run: "Run") -> None:
    """On standard error, as all that happens on the way."""
    for line in report_of(run).lines():
        click.echo(line, err=True)


def tell_of_result(run: "Run", *, as_json: bool) -> None:
    """What the model is worth, and the one command that is left."""
    evaluation = run.evaluated.evaluation()
    name = run.spec.name
    if as_json:
        document = {
            "run": str(run.path),
            "model": name,
            "data": report_of(run).model_dump(mode="json"),
            "evaluation": json.loads(run.evaluated.measured.read_bytes()),
            "next": f"kmaas add {name}",
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for metric in (*evaluation.metrics, *evaluation.references):
        click.echo(f"{metric.name} {metric.value:.4f} on {metric.rows} rows")
    click.echo(f"{run.evaluated.path} has more; serve it: kmaas up {name} (where a stack runs: kmaas add {name})")


def _source(own: OwnData) -> dict[str, Any]:
    from training.errors import UnreadableTableError

    try:
        with own.data.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise UnreadableTableError(own.data, exc.strerror or str(exc)) from exc
    columns = {"text_column": own.text_column, "label_column": own.label_column, "split_column": own.split_column}
    form = {"separator": own.separator, "encoding": own.encoding, "delimiter": own.delimiter}
    return {"file": str(own.data.resolve()), "sha256": digest, **columns, **form}
