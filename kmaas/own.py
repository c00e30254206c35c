"""A user's own model: from rows of his to a run that can be trained."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from kmaas.config import Config
from kmaas.errors import TakenNameError

if TYPE_CHECKING:
    from models.spec import ModelConfig
    from training.data.findings import DataReport
    from training.run import Run

_REPORT = "data.json"


class Brought(Protocol):
    """What a user brings, as the command line says of it. `entry` is what the catalogue calls the model of it."""

    @property
    def name(self) -> str: ...

    @property
    def entry(self) -> str: ...

    def known(self, cache: Path) -> dict[str, Any]:
        """Of the configuration, before any row was looked at."""
        ...

    def looked_at(self, asked: "ModelConfig") -> tuple["DataReport", dict[str, Any]]:
        """What was found in the rows, and what is known of the configuration after that."""
        ...


def begin_run(config: Config, own: Brought, preset: str | None, settings: Sequence[str]) -> "Run":
    """Reads and examines the rows, and makes the folder of a run with what was found in them. Where they cannot be
    learnt from, what was found is told on standard error.

    Raises:
        TakenNameError: the catalogue has a model of that name.
        TrainingError: there is nothing to be learnt, no such backbone, or a setting that does not fit.
    """
    from models.catalog import CATALOG, OWN, spec_of
    from serving.runtimes.quiet import import_keras_quietly
    from training.config import find_preset, load_config
    from training.errors import UnlearnableError
    from training.fingerprint import fingerprint
    from training.run import Run

    if own.name in (*CATALOG, *OWN):
        raise TakenNameError(own.name)
    spec, overlay = OWN[own.entry], find_preset(own.entry, preset) if preset else None
    import_keras_quietly()  # to know the backbone
    known = own.known(config.cache)
    try:
        report, further = own.looked_at(load_config(spec, overlay, settings, known))
    except UnlearnableError as exc:
        for line in exc.findings:
            click.echo(line, err=True)
        raise
    chosen = load_config(spec, overlay, settings, known | further)
    run = Run.create(config.runs, spec_of(chosen), chosen, fingerprint(spec_of(chosen), chosen))
    run.write_json(_REPORT, report.model_dump(mode="json"))
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
