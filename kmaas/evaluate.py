"""`kmaas evaluate`: measures a run on held-out data."""

from pathlib import Path

import click

from kmaas.config import Config
from kmaas.progress import shown_progress


@click.command("evaluate", short_help="Measure a run on held-out data.")
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print evaluation.json.")
@click.pass_obj
def evaluate(config: Config, run_folder: Path, as_json: bool) -> None:
    """Measures RUN again and writes its evaluation.json, confusion.png and examples."""
    from serving.runtimes.quiet import import_tensorflow_quietly
    from training.fit import evaluate as evaluate_run
    from training.run import Run

    run = Run.open(run_folder)
    run.require_weights()
    import_tensorflow_quietly()
    with shown_progress() as progress:
        evaluate_run(run, config.cache, progress)
    if as_json:
        click.echo((run.path / "evaluation.json").read_text(), nl=False)
        return
    evaluation = run.evaluation()
    for metric in evaluation.metrics:
        click.echo(f"{metric.name} {metric.value:.4f} on {metric.rows} rows: {metric.data}")
    click.echo(f"{'label':<12}{'precision':>10}{'recall':>10}{'f1':>10}{'rows':>8}")
    for label, of in evaluation.per_class.items():
        click.echo(f"{label:<12}{of.precision:>10.4f}{of.recall:>10.4f}{of.f1:>10.4f}{of.support:>8}")
