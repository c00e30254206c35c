"""Draws what a run learnt and was measured to be worth, as PNG files of one style, without a display."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from processing.boxes import Box
from store.evaluation import AveragePrecision, Bin, Classification, Curve, Interval, Labelled
from training.evaluation import Measured
from training.mistakes import Mistake
from training.run import EpochLine, settle
from training.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INK, _SOFT, _GRID = "#1b1d1f", "#5c6166", "#e6e6e1"
_ACCENT, _SECOND = "#0f766e", "#c2571a"
_STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": "#b9bbb6",
    "axes.labelcolor": _SOFT,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlepad": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": _GRID,
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "figure.facecolor": "white",
}
_DPI = 144
_COLOURS = 160  # of a picture's palette: a third of the bytes, and nobody sees it
_COLUMNS, _SHORT = 6, 18  # of the sheet of mistakes: pictures in a row, characters of a label
_ZOOM = 0.985  # areas above it leave nothing to see on the whole square

Bars = Sequence[tuple[str, str, float, Interval]]
"""Group, name, accuracy and its interval."""


def draw(folder: Path, epochs: Sequence[EpochLine], measured: Measured) -> None:
    """`curves`, `confusion`, `mistakes`, `thresholds`, `reliability`, `precisions`, `shown`, `robustness` and `slices`,
    each as `<folder>/<name>.png`, as far as there is something to draw."""
    import matplotlib as mpl

    evaluation, robust = measured.evaluation, measured.evaluation.robustness
    alone = robust.undisturbed.accuracy
    trials = [(trial.disturbance, trial.strength, trial.accuracy, trial.interval) for trial in robust.trials]
    slices = [(of.by, of.value, of.accuracy, of.interval) for of in evaluation.slices]
    drawings: dict[str, Callable[[], Figure]] = {
        "robustness": lambda: _bars("Accuracy when inputs are disturbed", trials, alone, "undisturbed"),
        "slices": lambda: _bars("Accuracy by kind of input", slices, evaluation.accuracy, "all held-out rows"),
    }
    if measured.mistakes:
        drawings["mistakes"] = lambda: _mistakes(measured.mistakes)
    if measured.shown:
        drawings["shown"] = lambda: _shown(measured.shown)
    if evaluation.precisions:
        drawings["precisions"] = lambda: _precisions(evaluation.precisions)
    if epochs:
        drawings["curves"] = lambda: _curves(epochs)
    if isinstance(evaluation, Classification):
        drawings["confusion"] = lambda: _confusion(evaluation)
    if isinstance(evaluation, Labelled):
        drawings |= {
            "thresholds": lambda: _thresholds(evaluation),
            "reliability": lambda: _reliability(evaluation),
        }
    folder.mkdir(exist_ok=True)
    with mpl.rc_context(_STYLE):
        for name, drawing in drawings.items():
            _save(drawing(), folder / f"{name}.png")


def _save(figure: "Figure", path: Path) -> None:
    """With a palette; the file appears whole."""
    drawn, partial = io.BytesIO(), path.with_name(f".{path.name}.partial")
    engine = figure.get_layout_engine()
    assert engine is not None
    engine.execute(figure)
    figure.set_layout_engine(None)  # saving would lay it out twice more
    figure.savefig(drawn, dpi="figure", pil_kwargs={"compress_level": 0})  # it is read again at once
    with Image.open(drawn) as picture:
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(partial, "PNG", optimize=True)
    settle(partial, path)


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=_DPI, layout="constrained")


def _curves(epochs: Sequence[EpochLine]) -> "Figure":
    """Loss by epoch, of the training and of the held-out rows."""
    figure = _figure(5.6, 3.6)
    axes = figure.subplots()
    numbers = [line.epoch for line in epochs]
    for name, colour, losses in (
        ("training", _SECOND, [line.loss for line in epochs]),
        ("held out", _ACCENT, [line.held_out_loss for line in epochs]),
    ):
        axes.plot(numbers, losses, color=colour, marker="o", markersize=4, label=name)
    axes.set(xlabel="epoch", ylabel="loss", xticks=numbers, title="Loss while training")
    axes.set_ylim(bottom=0)
    axes.legend()
    return figure


def _confusion(evaluation: Classification) -> "Figure":
    """Counts, a row for each true label; colours are shares of the row."""
    from matplotlib.colors import LinearSegmentedColormap

    side = 2.4 + 0.42 * len(evaluation.labels)
    figure = _figure(side + 0.4, side)
    axes = figure.subplots()
    shares = [[count / max(1, sum(row)) for count in row] for row in evaluation.confusion]
    axes.imshow(shares, cmap=LinearSegmentedColormap.from_list("", ["#ffffff", _ACCENT]), vmin=0, vmax=1)
    for row, (counts, of_row) in enumerate(zip(evaluation.confusion, shares, strict=True)):
        for column, (count, share) in enumerate(zip(counts, of_row, strict=True)):
            colour = "white" if share > 0.5 else _INK if count else "#c9cbc6"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9)
    ticks = range(len(evaluation.labels))
    axes.set_xticks(ticks, evaluation.labels)
    axes.set_yticks(ticks, evaluation.labels)
    axes.set(xlabel="predicted", ylabel="true", title="Confusion matrix")
    axes.grid(visible=False)
    return figure


def _mistakes(mistakes: Sequence[Mistake]) -> "Figure":
    """A contact sheet: each picture with what was told, how certainly, and what is true."""
    columns = min(_COLUMNS, len(mistakes))
    rows = -(-len(mistakes) // columns)
    figure = _figure(1.55 * columns, 0.4 + 2.0 * rows)
    figure.suptitle("Worst mistakes, the most certain first", x=0.02, ha="left", fontsize=11, fontweight="bold")
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for axes, mistake in zip(figure.axes, mistakes, strict=False):
        axes.imshow(mistake.picture)
        told = f"{_short(mistake.told)} {mistake.confidence:.2f}"
        axes.set_title(told, loc="left", fontsize=8, pad=14, color=_SECOND)
        axes.text(0, 1.03, f"is {_short(mistake.truth)}", transform=axes.transAxes, fontsize=8, color=_ACCENT)
    return figure


def _shown(pictures: Sequence[Shown]) -> "Figure":
    """Pictures with what is there, and with what was told."""
    from matplotlib.patches import Rectangle

    columns = 4
    rows = -(-len(pictures) // columns)
    figure = _figure(2.4 * columns, 0.4 + 2.4 * rows)
    figure.suptitle("Found (solid) and there (dashed)", x=0.02, ha="left", fontsize=11, fontweight="bold")
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for axes, shown in zip(figure.axes, pictures, strict=False):
        axes.imshow(shown.picture)
        for thing in shown.things:
            axes.add_patch(Rectangle(*_sides(thing.box), fill=False, edgecolor="white", linestyle=(0, (2, 2))))
        for one in shown.told:
            axes.add_patch(Rectangle(*_sides(one.box), fill=False, edgecolor=_SECOND, linewidth=1.4))
            told = f"{_short(one.label)} {one.score:.2f}"
            axes.text(one.box.xmin, one.box.ymin, told, fontsize=6, color="white", backgroundcolor=_SECOND)
    return figure


def _sides(box: Box) -> tuple[tuple[float, float], float, float]:
    """Corner, width and height; pixels are drawn around whole numbers."""
    return (box.xmin - 0.5, box.ymin - 0.5), box.xmax - box.xmin, box.ymax - box.ymin


def _precisions(parts: Sequence[AveragePrecision]) -> "Figure":
    """Both averages of each part, as two dots."""
    figure = _figure(6.4, 1.6 + 0.245 * len(parts))
    axes = figure.subplots()
    places = range(len(parts))
    axes.plot([part.mean for part in parts], places, "o", color=_ACCENT, markersize=5, label="IoU .50 to .95")
    axes.plot([part.at_half for part in parts], places, "o", color=_SECOND, markersize=5, label="IoU .50")
    axes.set_yticks(places, [f"{part.by}  {part.value}" for part in parts])
    axes.set(xlim=(0, 1.005), ylim=(len(parts) - 0.4, -0.6), title="Average precision", xlabel="average precision")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.legend(loc="lower left")
    return figure


def _short(label: str) -> str:
    return label if len(label) <= _SHORT else f"{label[: _SHORT - 1]}…"


def _thresholds(evaluation: Labelled) -> "Figure":
    """ROC and precision over recall, a line for each label; only their corner where all else is empty."""
    figure = _figure(9.2, 4.0)
    left, right = figure.subplots(1, 2)
    left.set(xlabel="false positive rate", ylabel="true positive rate", title="Receiver operating characteristic")
    right.set(xlabel="recall", ylabel="precision", title="Precision over recall")
    roc = {label: curves.roc for label, curves in evaluation.curves.items() if curves.roc}
    recall = {label: curves.precision_recall for label, curves in evaluation.curves.items() if curves.precision_recall}
    for axes, curves, corner in ((left, roc, (0.0, 0.1)), (right, recall, (0.9, 1.002))):
        zoomed = bool(curves) and min(curve.area for curve in curves.values()) > _ZOOM
        axes.set(xlim=corner if zoomed else (-0.01, 1.01), ylim=(0.9, 1.002) if zoomed else (0, 1.02))
        _lines(axes, curves)
        axes.legend(
            title="label, area", fontsize=8, title_fontsize=8, loc=f"lower {'right' if axes is left else 'left'}"
        )
    return figure


def _lines(axes: "Axes", curves: Mapping[str, Curve]) -> None:
    from matplotlib import colormaps

    colours = [_SECOND, _ACCENT] if len(curves) <= 2 else colormaps["tab10"](range(10))
    for number, (label, curve) in enumerate(curves.items()):
        colour = colours[number % len(colours)]
        axes.plot(curve.x, curve.y, color=colour, linewidth=1.6, label=f"{label}  {curve.area:.4f}")


def _reliability(evaluation: Labelled) -> "Figure":
    """Accuracy over confidence before and after temperature scaling, and how many rows are where."""
    of = evaluation.calibration
    figure = _figure(5.6, 4.6)
    axes, rows = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    axes.plot([0, 1], [0, 1], color="#b9bbb6", linewidth=1, linestyle=(0, (4, 3)))
    series = (
        (f"as trained, error {of.before.error:.4f}", _SECOND, of.before.bins),
        (f"temperature {of.temperature:.2f}, error {of.after.error:.4f}", _ACCENT, of.after.bins),
    )
    for number, (name, colour, bins) in enumerate(series if of.temperature != 1 else series[:1]):
        filled = [bin_ for bin_ in bins if bin_.rows]
        confidences = [bin_.confidence for bin_ in filled]
        axes.plot(confidences, [bin_.accuracy for bin_ in filled], color=colour, marker="o", markersize=4, label=name)
        rows.bar(_places(bins, number), [bin_.rows for bin_ in bins], width=0.04, color=colour)
    least = max(0.0, min(bin_.confidence for _, _, bins in series for bin_ in bins if bin_.rows) - 0.05)
    axes.set(ylabel="accuracy", ylim=(0, 1.02), xlim=(least, 1.0), title="Reliability")
    rows.set(xlabel="confidence", ylabel="rows", yscale="symlog")
    axes.legend(loc="upper left")
    return figure


def _places(bins: Sequence[Bin], series: int) -> list[float]:
    """The middles of two bars in each bin."""
    return [(number + 0.5) / len(bins) + 0.021 * (2 * series - 1) for number in range(len(bins))]


def _bars(title: str, lines: Bars, reference: float, of: str) -> "Figure":
    """A dot with its interval for each line, grouped; the accuracy `of` all of them as a dashed line."""
    figure = _figure(6.4, 1.4 + 0.245 * len(lines))
    axes = figure.subplots()
    axes.axvline(reference, color="#9a9d97", linewidth=1, linestyle=(0, (4, 3)))
    names = []
    for place, (group, name, value, (low, high)) in enumerate(lines):
        axes.plot([low, high], [place, place], color=_ACCENT, linewidth=2, alpha=0.35, solid_capstyle="round")
        axes.plot([value], [place], color=_ACCENT, marker="o", markersize=5)
        names.append(f"{group}  {name}")
    for place in _borders(lines):
        axes.axhline(place - 0.5, color=_GRID, linewidth=0.8)
    axes.set_yticks(range(len(lines)), names)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    least = min((low for _, _, _, (low, _) in lines), default=0.0)
    axes.set_xlim(max(0.0, min(least, reference) - 0.02), 1.005)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set(title=title, xlabel=f"accuracy and 95 % interval; dashed: {of}, {reference:.4f}")
    return figure


def _borders(lines: Bars) -> Iterable[int]:
    """Where another group begins."""
    return (place for place in range(1, len(lines)) if lines[place][0] != lines[place - 1][0])
