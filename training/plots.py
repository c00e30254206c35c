"""Draws a run's curves and confusion matrix as PNG, without a display."""

from collections.abc import Sequence
from pathlib import Path

from training.evaluation import Evaluation
from training.run import EpochLine


def draw_curves(path: Path, epochs: Sequence[EpochLine]) -> None:
    """Loss by epoch, of the training and of the held-out rows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    numbers = [line.epoch for line in epochs]
    axes.plot(numbers, [line.loss for line in epochs], marker="o", label="training")
    axes.plot(numbers, [line.held_out_loss for line in epochs], marker="o", label="held out")
    axes.set(xlabel="epoch", ylabel="loss", xticks=numbers)
    axes.legend()
    figure.savefig(path, dpi=120)


def draw_confusion(path: Path, evaluation: Evaluation) -> None:
    """Counts, a row for each true label; colours are shares of the row."""
    from matplotlib.figure import Figure

    side = 2 + 0.5 * len(evaluation.labels)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    shares = [[count / max(1, sum(row)) for count in row] for row in evaluation.confusion]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, (counts, of_row) in enumerate(zip(evaluation.confusion, shares, strict=True)):
        for column, (count, share) in enumerate(zip(counts, of_row, strict=True)):
            axes.text(column, row, str(count), ha="center", va="center", color="white" if share > 0.5 else "black")
    ticks = range(len(evaluation.labels))
    axes.set_xticks(ticks, evaluation.labels)
    axes.set_yticks(ticks, evaluation.labels)
    axes.set(xlabel="predicted", ylabel="true", title=f"accuracy {evaluation.accuracy:.4f}")
    figure.savefig(path, dpi=120)
