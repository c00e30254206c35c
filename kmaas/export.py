"""`kmaas export`: a run becomes a version, ready to publish."""

from pathlib import Path

import click


@click.command("export", short_help="Turn a run into a version, ready to publish.")
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
def export(run_folder: Path) -> None:
    """Writes RUN/export: SavedModel, manifest, goldens and card, checked in a fresh process before it counts."""
    from kmaas.stages import export_run
    from serving.runtimes.quiet import import_tensorflow_quietly
    from training.run import Run

    run = Run.open(run_folder)
    run.require_weights()
    import_tensorflow_quietly()
    click.echo(export_run(run))
