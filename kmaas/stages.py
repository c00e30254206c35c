"""From a run to a version: what the verbs `export`, `publish` and `add` share."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from export.errors import NotAnExportError
from export.minimum import Minimum, lacking
from export.trained import EpochFacts, Evidence, Trained
from store.held_out import HeldOut
from store.layout import VersionDir
from store.manifest import Manifest
from training.errors import NotARunError, UnwritableError
from training.run import Run

if TYPE_CHECKING:
    from export.version import Runtime


def export_run(run: Run, *, runtime: "Runtime" = "litert") -> Path:
    """Makes `<run>/export` and returns it.

    Raises:
        RunBusyError: another process trains or exports the run.
        ExportError: the exported model would not answer as the trained one.
    """
    from export.version import export_version
    from serving.runtimes.quiet import import_keras_quietly

    with run.exclusive():
        ready = trained(run)
        import_keras_quietly()
        export_version(ready, run.export, runtime=runtime)
    return run.export


def trained(run: Run) -> Trained:
    """What an export needs of a run.

    Raises:
        NotARunError: it is not finished, or an older kmaas evaluated it.
        ChangedRunError: it is not as it was evaluated.
    """
    environment, evaluated = run.environment(), run.evaluated
    evaluation, examples = evaluated.evaluation(), evaluated.examples()
    run.require_as_evaluated()
    if any(example.answer is None for example in examples):
        raise NotARunError(run.path, "answers in its examples.json", f"`kmaas evaluate {run.path}` writes them")
    return Trained(
        spec=run.spec,
        config=run.config,
        weights=run.weights,
        tokenizer=run.tokenizer(),
        chat_template=run.chat_template(),
        examples=examples,
        inputs=evaluated.inputs(),
        metrics=evaluation.metrics,
        data_sha256=environment["data"]["sha256"],
        code_commit=environment["commit"],
        run=run.path.name,
        sample=evaluated.sample(),
        evidence=Evidence(
            evaluation=evaluation,
            measured=evaluated.measured,
            held_out=HeldOut.read(evaluated.held_out),
            plots={path.stem: path for path in sorted(evaluated.plots.glob("*.png"))},
            epochs=[EpochFacts(**asdict(line)) for line in run.epochs()],
            data=environment["data"],
            environment={name: value for name, value in environment.items() if name != "data"},
        ),
    )


def warn_of_lacks(exported: Path, minimum: Minimum) -> None:
    """Tells on standard error what a promotion will refuse the version for."""
    if lacks := lacking(Manifest.read(VersionDir(exported).manifest), minimum):
        click.secho(
            f"warning: too little evidence to be promoted without --force: {'; '.join(lacks)}", fg="yellow", err=True
        )


@contextmanager
def exported(path: Path) -> Iterator[Path]:
    """The folder to publish: `path` itself when it is an export, else the export of the run `path`. In the block no
    export takes its place.

    Raises:
        NotAnExportError: neither.
        RunBusyError: another process works on the run, an export perhaps.
    """
    with ExitStack() as held:
        for run in (path, path.resolve().parent):
            with suppress(NotARunError, UnwritableError):  # where nobody can write, nobody exports
                held.enter_context(Run.open(run).unchanged())
        yield _exported_folder(path)


def _exported_folder(path: Path) -> Path:
    for folder in (path, path / "export"):
        if VersionDir(folder).manifest.is_file():
            return folder
    raise NotAnExportError(path)
