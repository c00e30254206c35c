"""From a run to a version: what the verbs `export`, `publish` and `add` share."""

from pathlib import Path

from export.errors import NotAnExportError
from export.trained import Trained
from store.layout import VersionDir
from training.run import Run


def export_run(run: Run) -> Path:
    """Makes `<run>/export` and returns it. One process at a time."""
    from export.version import export_version

    environment = run.environment()
    trained = Trained(
        spec=run.spec,
        config=run.config,
        weights=run.weights,
        tokenizer=run.tokenizer(),
        examples=run.examples(),
        metrics=run.evaluation().metrics,
        data_sha256=environment["data"]["sha256"],
        code_commit=environment["commit"],
        run=run.path.name,
    )
    with run.exclusive():
        export_version(trained, run.export)
    return run.export


def exported_folder(path: Path) -> Path:
    """The folder to publish: `path` itself when it is an export, else the export of the run `path`.

    Raises:
        NotAnExportError: neither.
    """
    for folder in (path, path / "export"):
        if VersionDir(folder).manifest.is_file():
            return folder
    raise NotAnExportError(path)
