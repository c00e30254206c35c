"""`kmaas evaluate`: measures a run on held-out data."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kmaas.config import Config
from kmaas.progress import shown_progress

if TYPE_CHECKING:
    from store.evaluation import Evaluation, Labelled


@click.command("evaluate", short_help="Measure a run on held-out data.")
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print evaluation.json.")
@click.pass_obj
def evaluate(config: Config, run_folder: Path, as_json: bool) -> None:
    """Measures RUN again: accuracy, precision, recall, F1, ROC and precision-recall curves, calibration, robustness,
    slices and latency. Its folder evaluation/ is replaced when all of it is done: evaluation.json, held_out.npz,
    examples and plots/."""
    from serving.runtimes.quiet import import_keras_quietly
    from training.fit import evaluate as evaluate_run
    from training.run import Run

    run = Run.open(run_folder)
    run.require_weights()
    import_keras_quietly()
    with shown_progress() as progress:
        evaluate_run(run, config.cache, progress)
    if as_json:
        click.echo(run.evaluated.measured.read_text(), nl=False)
        return
    for line in _told(run.evaluated.evaluation()):
        click.echo(line)
    click.echo(f"\n{run.evaluated.path} has evaluation.json and plots/")


def _told(evaluation: "Evaluation") -> Iterator[str]:
    from store.evaluation import Labelled

    for metric in (*evaluation.metrics, *evaluation.references):
        yield f"{metric.name} {metric.value:.4f} on {metric.rows} rows: {metric.data}"
    if isinstance(evaluation, Labelled):
        yield from _of_classes(evaluation)
    yield ""
    for latency in evaluation.latency:
        what = "one row" if latency.rows == 1 else f"{latency.rows} rows"
        yield f"{what} in {latency.median_ms:.2f} ms (95 % within {latency.p95_ms:.2f} ms): {latency.what}"
    robust = evaluation.robustness
    yield f"\n{robust.data}: accuracy {robust.undisturbed.accuracy:.4f}, disturbed"
    for trial in robust.trials:
        low, high = trial.interval
        yield f"{trial.disturbance:<12}{trial.strength:<14}{trial.accuracy:.4f} ({low:.4f} to {high:.4f})"
    yield "\nslices"
    for slice_ in evaluation.slices:
        low, high = slice_.interval
        yield f"{slice_.by:<17}{slice_.value:<24}{slice_.accuracy:.4f} ({low:.4f} to {high:.4f}) on {slice_.rows} rows"


def _of_classes(evaluation: "Labelled") -> Iterator[str]:
    yield f"\n{'label':<12}{'precision':>10}{'recall':>10}{'f1':>10}{'rows':>8}"
    for label, of_class in evaluation.per_class.items():
        yield f"{label:<12}{of_class.precision:>10.4f}{of_class.recall:>10.4f}{of_class.f1:>10.4f}{of_class.support:>8}"
    for name, average in (("macro", evaluation.macro), ("micro", evaluation.micro)):
        yield f"{name:<12}{average.precision:>10.4f}{average.recall:>10.4f}{average.f1:>10.4f}{evaluation.rows:>8}"
    of = evaluation.calibration
    yield (
        f"\ncalibration error {of.before.error:.4f} as trained, {of.after.error:.4f} with temperature "
        f"{of.temperature:.4f}, on {of.rows} {'decisions' if evaluation.multi_label else 'rows'} that did not fit it"
    )
