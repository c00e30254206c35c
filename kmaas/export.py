"""`kmaas export`: a run becomes a version, ready to publish."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kmaas.config import Config

if TYPE_CHECKING:
    from export.version import Runtime


@click.command("export", short_help="Turn a run into a version, ready to publish.")
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--runtime",
    type=click.Choice(["litert", "saved_model"]),
    default="litert",
    show_default=True,
    help="litert: with a twin for CPUs, if it answers alike on held-out data and is faster. saved_model: without.",
)
@click.pass_obj
def export(config: Config, run_folder: Path, runtime: "Runtime") -> None:
    """Writes RUN/export: SavedModel, manifest, goldens and card, checked in a fresh process before it counts."""
    from kmaas.sieve import without_chatter
    from kmaas.stages import export_run, warn_of_lacks
    from training.run import Run

    run = Run.open(run_folder)
    run.require_weights()
    with without_chatter():
        exported = export_run(run, runtime=runtime)
    _tell(exported)
    warn_of_lacks(exported, config.promotion.minimum)
    click.echo(exported)


def _tell(exported: Path) -> None:
    """What was measured of the twin, on standard error: standard output is the path alone."""
    from store.layout import VersionDir
    from store.twin import Twin

    if not VersionDir(exported).twin.is_dir():
        return
    twin = Twin.read(VersionDir(exported).twin)
    if twin.speed is None:
        return
    told = (
        f"LiteRT twin: {twin.speed.ratio:.1f} times as fast as the SavedModel ({twin.speed.us_twin:.0f} against "
        f"{twin.speed.us_saved_model:.0f} µs)"
    )
    if twin.agreement:
        told += (
            f"; on {twin.agreement.rows} held-out rows the same label for {twin.agreement.top_1:.2%}, outputs at most "
            f"{twin.agreement.largest:.1e} apart"
        )
    click.echo(told, err=True)
