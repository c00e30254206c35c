"""What is told in a model card, from the evidence and from nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from export.card import Card, Section, Table
from export.minimum import Minimum, lacking
from export.trained import Evidence, Trained
from models.spec import ModelConfig
from store.evaluation import Calibrated, Classification, Evaluation, Interval, Labelled, LabelSets
from store.manifest import Manifest, Metric

_LISTED = 64  # labels


def model_card(manifest: Manifest, trained: Trained) -> Card:
    """The card of a version. Sections of which nothing was measured are not there."""
    facts = [
        ("Task", manifest.task),
        *([("Labels", _listed(manifest.labels))] if manifest.labels else []),
        *([("Languages", ", ".join(manifest.languages))] if manifest.languages else []),
        ("Parameters", f"{manifest.parameters:,}"),
        ("Licence", "; ".join(dict.fromkeys(origin.licence for origin in manifest.origins))),
        ("Made", f"{manifest.created:%Y-%m-%d %H:%M} UTC"),
    ]
    spec, evidence = trained.spec, trained.evidence
    sections = [
        Section("Intended use", text=[spec.intended_use]),
        Section("Limits", points=spec.limits),
        _data(manifest, evidence),
        *(_of_evidence(manifest, evidence, trained.config) if evidence else ()),
        *_checks(manifest),
        _origin(manifest, evidence),
    ]
    return Card(manifest.model, manifest.description, facts, _tiles(evidence), sections)


def _listed(labels: Sequence[str]) -> str:
    """Of more than anybody reads the first and the last."""
    if len(labels) <= _LISTED:
        return ", ".join(labels)
    return f"{len(labels):,}, from “{labels[0]}” to “{labels[-1]}”"


def _tiles(evidence: Evidence | None) -> list[tuple[str, str, str]]:
    if evidence is None:
        return []
    of = evidence.evaluation
    fastest = min(of.latency, key=lambda latency: latency.rows)
    worst = min(of.robustness.metrics, key=lambda metric: metric.value, default=None)
    return [
        ("Accuracy", f"{of.accuracy:.4f}", f"95 %: {_interval(of.accuracy_interval)}, {of.rows:,} held-out rows"),
        *(_tiles_of_classes(of) if isinstance(of, Labelled) else ()),
        *(_tiles_of_boxes(of) if of.precisions else ()),
        *([("Least robust", f"{worst.value:.4f}", f"accuracy under {worst.name}")] if worst else []),
        ("One row", f"{fastest.median_ms:.2f} ms", f"95 % within {fastest.p95_ms:.2f} ms, {fastest.what}"),
    ]


def _tiles_of_classes(of: Labelled) -> Iterator[tuple[str, str, str]]:
    yield "Macro F1", f"{of.macro.f1:.4f}", f"95 %: {_interval(of.macro_f1_interval)}"
    before = "as trained" if of.calibration.temperature == 1 else f"{of.calibration.before.error:.4f} as trained"
    yield "Calibration error", f"{of.calibration.after.error:.4f}", before


def _tiles_of_boxes(of: Evaluation) -> Iterator[tuple[str, str, str]]:
    """Of a detector its averages of precision: they tell more of it than how many pictures were wholly right."""
    for metric in of.metrics:
        if metric.name.startswith("mAP") and metric.low is not None and metric.high is not None:
            yield metric.name, f"{metric.value:.4f}", f"95 %: {_interval((metric.low, metric.high))}"


def _data(manifest: Manifest, evidence: Evidence | None) -> Section:
    known = evidence.data if evidence else {}
    points = [f"{_name(key)}: {_value(value)}" for key, value in known.items() if key != "sha256"]
    points.append(f"sha256 of the data: {manifest.data_sha256}")
    for origin in manifest.origins:
        points.append(f"Origin: {origin.source}. Licence: {origin.licence}." + (f" {origin.url}" if origin.url else ""))
        if origin.attribution:
            points.append(f"Attribution: {origin.attribution}")
    return Section("Data and licence", points=points)


def _of_evidence(manifest: Manifest, evidence: Evidence, config: ModelConfig) -> Iterator[Section]:
    of = evidence.evaluation
    yield _training(evidence, config)
    yield _measured(manifest, of)
    if isinstance(of, Labelled):
        yield _calibration(of)
    yield _robustness(of)
    yield _slices(of)
    yield Section(
        "Speed",
        text=["Through the Keras model. A model server may be faster, by its own runtime and by batching."],
        tables=[
            Table(
                ("rows in a call", "calls", "median, ms", "95 % within, ms", "what was called"),
                [(f"{x.rows}", f"{x.calls}", f"{x.median_ms:.3f}", f"{x.p95_ms:.3f}", x.what) for x in of.latency],
            )
        ],
    )
    if evidence.cpu_seconds is not None:
        yield Section(
            "Environmental cost",
            text=[
                f"{evidence.cpu_seconds:,.1f} CPU-seconds for the {len(evidence.epochs)} epochs of the training, user "
                "and system time of all its threads, epochs before an interruption included. Energy was not measured."
            ],
        )


def _training(evidence: Evidence, config: ModelConfig) -> Section:
    epochs = [
        (
            f"{line.epoch}",
            f"{line.loss:.4f}",
            f"{line.held_out_loss:.4f}",
            f"{line.seconds:.1f}",
            "–" if line.cpu_seconds is None else f"{line.cpu_seconds:.1f}",
        )
        for line in evidence.epochs
    ]
    settings = list(_flat(config.told()))
    configuration = Table(("setting", "value"), settings, "Configuration", folded=True)
    if not epochs:
        return Section("Training", text=["Not here: the weights are as they were published."], tables=[configuration])
    return Section(
        "Training",
        pictures=[("curves", "Loss by epoch, of the training and of the held-out rows")],
        tables=[
            configuration,
            Table(("epoch", "loss", "held-out loss", "seconds", "CPU-seconds"), epochs, "Epochs", folded=True),
        ],
    )


def _measured(manifest: Manifest, of: Evaluation) -> Section:
    figures = [_figures("figure", manifest.metrics)]
    if of.references:
        figures.append(_figures("for comparison, on the same rows", of.references))
    if not isinstance(of, Labelled):
        return Section(
            "Measured",
            text=["On rows that nobody trained it on here. Intervals are of 95 %."],
            tables=[*figures, *_precisions(of)],
            pictures=[
                ("shown", "What it found, with a score of 0.5 or more, and what is there"),
                ("precisions", "Average precision by label and by size"),
            ],
        )
    classes = [
        (
            label,
            f"{x.precision:.4f} ({_interval(x.precision_interval)})",
            f"{x.recall:.4f} ({_interval(x.recall_interval)})",
            f"{x.f1:.4f}",
            f"{x.support:,}",
        )
        for label, x in of.per_class.items()
    ]
    for name, x in (("macro", of.macro), ("micro", of.micro)):
        classes.append((name, f"{x.precision:.4f}", f"{x.recall:.4f}", f"{x.f1:.4f}", f"{of.rows:,}"))
    areas = [
        (
            label,
            f"{curves.roc.area:.4f}" if curves.roc else "–",
            f"{curves.precision_recall.area:.4f}" if curves.precision_recall else "–",
        )
        for label, curves in of.curves.items()
    ]
    pictures = [("thresholds", "ROC and precision over recall, each label against the others")]
    if isinstance(of, Classification):
        confused = ("confusion", "Confusion matrix: a row for each true label")
        mistaken = ("mistakes", "The mistakes of which it was most certain: what it told, and what is true")
        pictures = [confused, mistaken, *pictures]
    return Section(
        "Measured",
        text=["On held-out rows only, which the training never saw. Intervals are of 95 %."],
        tables=[
            *figures,
            Table(("label", "precision", "recall", "F1", "rows"), classes, "By label"),
            Table(("label", "area under ROC", "average precision"), areas, "Over all thresholds", folded=True),
            *_confusion(of),
        ],
        pictures=pictures,
    )


def _precisions(of: Evaluation) -> Iterator[Table]:
    """Of a detector."""
    if of.precisions:
        rows = [(x.by, x.value, f"{x.mean:.4f}", f"{x.at_half:.4f}", f"{x.things:,}") for x in of.precisions]
        head = ("by", "value", "IoU .50 to .95", "IoU .50", "things")
        yield Table(head, rows, "Average precision", folded=True)


def _confusion(of: Labelled) -> Iterator[Table]:
    if isinstance(of, Classification):
        rows = [(label, *(f"{count:,}" for count in row)) for label, row in zip(of.labels, of.confusion, strict=True)]
        yield Table(("true \\ predicted", *of.labels), rows, "Confusion matrix", folded=True)
    if isinstance(of, LabelSets):
        head = ("label", "rightly given", "wrongly given", "missed", "rightly not given")
        counts = [(label, *(f"{count:,}" for _, count in x)) for label, x in of.decisions.items()]
        yield Table(head, counts, "Decisions", folded=True)


def _figures(name: str, metrics: tuple[Metric, ...]) -> Table:
    rows = [
        (
            metric.name,
            f"{metric.value:.4f}",
            "–" if metric.low is None or metric.high is None else _interval((metric.low, metric.high)),
            f"{metric.rows:,}",
            metric.data,
        )
        for metric in metrics
    ]
    return Table((name, "value", "95 %", "rows", "measured on"), rows)


def _calibration(evaluation: Labelled) -> Section:
    of = evaluation.calibration
    function, rows = ("sigmoid", "decisions") if evaluation.multi_label else ("softmax", "held-out rows")

    def row(name: str, calibrated: Calibrated) -> tuple[str, ...]:
        return name, f"{calibrated.error:.4f}", f"{calibrated.loss:.4f}"

    one = " It is 1: no other was better by more than chance." if of.temperature == 1 else ""
    return Section(
        "Calibration",
        text=[
            f"Probabilities are {function}(logits / {of.temperature:.4f}). The temperature was fitted on "
            f"{of.fitted_rows:,} {rows}; the table is of the other {of.rows:,}.{one}"
        ],
        pictures=[("reliability", "Accuracy over confidence, and how many rows are where")],
        tables=[
            Table(
                ("probabilities", "expected calibration error", "negative log-likelihood"),
                [row("as trained", of.before), row(f"temperature {of.temperature:.4f}", of.after)],
            )
        ],
    )


def _robustness(evaluation: Evaluation) -> Section:
    of = evaluation.robustness
    alone = of.undisturbed
    rows = [("undisturbed", "", f"{alone.accuracy:.4f}", _interval(alone.interval), f"{alone.rows:,}", "as it is")]
    through = any(x.disturbance.startswith("FGSM") for x in of.trials)
    attacked = " FGSM goes through the Keras model itself." if through else ""
    for x in of.trials:
        share = f"{x.accuracy:.4f}", _interval(x.interval), f"{x.rows:,}"
        rows.append((x.disturbance, x.strength, *share, x.what))
    return Section(
        "Robustness",
        text=[f"{of.data}: each disturbed as the table says, then preprocessed as a request is.{attacked}"],
        pictures=[("robustness", "Accuracy when inputs are disturbed")],
        tables=[Table(("disturbance", "strength", "accuracy", "95 %", "rows", "what was done"), rows, folded=True)],
    )


def _slices(of: Evaluation) -> Section:
    rows = [(x.by, x.value, f"{x.accuracy:.4f}", _interval(x.interval), f"{x.rows:,}", x.data) for x in of.slices]
    return Section(
        "Kinds of input",
        pictures=[("slices", "Accuracy by kind of input")],
        tables=[Table(("by", "value", "accuracy", "95 %", "rows", "measured on"), rows, folded=True)],
    )


def _checks(manifest: Manifest) -> Iterator[Section]:
    if manifest.parity:
        rows = [
            (" and ".join(x.between), f"{x.inputs:,}", f"{x.mean:.3g}", f"{x.largest:.3g}", f"{x.allowed:.3g}", x.unit)
            for x in manifest.parity
        ]
        head = ("preprocessing by", "inputs", "mean difference", "largest", "allowed", "unit")
        yield Section("Parity", text=["Real inputs, preprocessed in each of the ways."], tables=[Table(head, rows)])
    if manifest.batching:
        of = manifest.batching
        sizes = ", ".join(map(str, of.sizes))
        told = f"In batches of {sizes} no answer differs from the one alone by more than {of.largest:.3g}; allowed are "
        yield Section("Batch safety", text=[f"{told}{of.allowed:.3g}."])
    if manifest.absent:
        points = [f"{name}: {why}" for name, why in manifest.absent.items()]
        yield Section("Left out", text=["Signatures that this version does not have."], points=points)
    lacks = lacking(manifest, Minimum())
    yield Section(
        "Checked at export",
        points=[
            f"{sum(manifest.goldens.values())} held-out requests are kept beside the model with the answers it must "
            f"give{_by_label(manifest.goldens)}.",
            "Loaded in a fresh process it answered them as the trained model did, within 1e-5.",
            *([f"That is less than a promotion asks for: {'; '.join(lacks)}."] if lacks else []),
        ],
    )


def _by_label(goldens: Mapping[str, int]) -> str:
    """Nothing where there are no labels."""
    counted = ", ".join(f"{label} {count}" for label, count in goldens.items() if label)
    return f"; by label: {counted}" if counted else ""


def _origin(manifest: Manifest, evidence: Evidence | None) -> Section:
    known: Mapping[str, Any] = evidence.environment if evidence else {}
    packages = known.get("packages", manifest.frameworks)
    rows = [
        ("run", manifest.run),
        ("code", manifest.code_commit),
        *((_name(name), _value(value)) for name, value in known.items() if name not in ("packages", "commit")),
        ("packages", ", ".join(f"{name} {version}" for name, version in packages.items())),
        ("digest of what determines answers", manifest.digest),
    ]
    return Section("How it was made", tables=[Table(("what", "value"), rows)])


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Settings as `--set` takes them; one that is not set is not told."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value is not None:
            yield f"{prefix}{key}", str(value)


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _name(key: str) -> str:
    return key.replace("_", " ").replace("held out", "held-out")


def _interval(interval: Interval) -> str:
    low, high = interval
    return f"{low:.4f} to {high:.4f}"
