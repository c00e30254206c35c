"""The model card: every figure of the evidence, in both forms, and nothing that could run."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from export.card import Card, Section, Table, markdown, page
from export.evidence import model_card
from export.trained import Trained
from kmaas.stages import trained
from store.evaluation import AveragePrecision, Classification, Evaluation
from store.held_out import HeldOut
from store.layout import VersionDir
from store.manifest import Batching, Manifest, Metric, Parity
from training.run import Run

HOSTILE = '<script>alert("1")</script> [x](javascript:alert) | `code` *bold* </td>'
PNG = b"\x89PNG\r\n"


class _Page(HTMLParser):
    """Tags, attributes and the text that a person would read."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.words: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def _plain(document: str) -> str:
    """Markdown without its backslashes."""
    return re.sub(r"\\(.)", r"\1", document)


@pytest.fixture(scope="module")
def made(run: Run) -> Trained:
    return trained(run)


def test_each_figure_of_the_evidence_is_in_both_forms(run: Run, exported: Path) -> None:
    version = VersionDir(exported)
    evaluation, manifest = Classification.read(version.evaluation), Manifest.read(version.manifest)
    figures = [metric.value for metric in (*manifest.metrics, *manifest.robustness, *evaluation.references)]
    figures += [of.accuracy for of in (*evaluation.slices, *evaluation.robustness.trials)]
    figures += [bound for of in (*evaluation.slices, *evaluation.robustness.trials) for bound in of.interval]
    figures += [value for of in evaluation.per_class.values() for value in (of.precision, of.recall, of.f1)]
    figures += [evaluation.calibration.before.error, evaluation.calibration.after.loss, manifest.temperature]
    figures += [curves.roc.area for curves in evaluation.curves.values() if curves.roc]
    figures += [line.held_out_loss for line in run.epochs()]
    facts = [f"{figure:.4f}" for figure in figures] + [f"{count:,}" for row in evaluation.confusion for count in row]
    facts += [manifest.data_sha256, manifest.digest, manifest.code_commit, manifest.run, run.spec.intended_use]
    facts += [*run.spec.limits, *(origin.licence for origin in manifest.origins)]
    facts += [f"{latency.p95_ms:.3f}" for latency in evaluation.latency]
    facts.append(f"{sum(line.cpu_seconds or 0 for line in run.epochs()):,.1f} CPU-seconds")
    for document in (_plain(version.card.read_text()), _Page(version.page.read_text()).text):
        missing = [fact for fact in facts if fact not in document]
        assert not missing


def test_the_version_carries_the_evidence(run: Run, exported: Path) -> None:
    version = VersionDir(exported)
    assert version.evaluation.read_bytes() == run.evaluated.measured.read_bytes()
    kept, of_run = HeldOut.read(version.held_out), HeldOut.read(run.evaluated.held_out)
    assert kept.rows == of_run.rows
    assert (kept.predicted == of_run.predicted).all()
    assert {path.name for path in version.plots.iterdir()} == {path.name for path in run.evaluated.plots.iterdir()}


def test_the_page_is_one_small_file_that_loads_and_runs_nothing(exported: Path) -> None:
    document = VersionDir(exported).page.read_text()
    assert len(document) < 300_000
    parsed = _Page(document)
    assert not parsed.tags & {"script", "iframe", "object", "embed", "link", "form"}
    assert not [name for name in parsed.attributes if name.startswith("on")]
    assert len(parsed.attributes["src"]) == 6
    assert all(source.startswith("data:image/png;base64,") for source in parsed.attributes["src"])
    assert all(target.startswith("#") for target in parsed.attributes["href"])
    assert "url(" not in document


def test_hostile_text_stays_text(made: Trained, exported: Path) -> None:
    assert made.evidence is not None
    evidence = replace(
        made.evidence, data={"name": HOSTILE}, environment={"platform": HOSTILE, "packages": {HOSTILE: "1"}}
    )
    spec = replace(made.spec, intended_use=HOSTILE, limits=(HOSTILE,))
    facts: dict[str, Any] = {"description": HOSTILE, "run": HOSTILE, "model": HOSTILE, "absent": {"raw": HOSTILE}}
    manifest = Manifest.read(VersionDir(exported).manifest).model_copy(update=facts)
    card = model_card(manifest, replace(made, spec=spec, evidence=evidence))
    document = page(card, {"curves": PNG})
    assert "script" not in _Page(document).tags
    assert _Page(document).text.count(HOSTILE) >= 8
    assert html.escape('<script>alert("1")', quote=False)[:20] in document
    written = markdown(card)
    assert "<script>" not in written.replace("\\<", "")
    assert "[x](" not in written.replace("\\[", "").replace("\\]", "")
    tables = [line for line in written.splitlines() if line.startswith("| platform")]
    assert len(re.findall(r"(?<!\\)\|", tables[0])) == 3


def test_parity_and_batch_safety_are_told_where_they_were_measured(made: Trained, exported: Path) -> None:
    manifest = Manifest.read(VersionDir(exported).manifest)
    bare = manifest.model_copy(update={"parity": (), "batching": None, "absent": {}})
    assert not {"Parity", "Batch safety", "Left out"} & {of.title for of in model_card(bare, made).sections}
    parity = Parity(between=("training", "raw"), inputs=64, unit="pixels", mean=0.25, largest=1.5, allowed=2)
    batching = Batching(sizes=(2, 3, 8), largest=3.2e-6, allowed=1e-4)
    full = bare.model_copy(update={"parity": (parity,), "batching": batching, "absent": {"raw": "no such op"}})
    written = markdown(model_card(full, made))
    for told in ("training and raw | 64 | 0.25 | 1.5 | 2 | pixels", "batches of 2, 3, 8", "3.2e-06", "raw: no such op"):
        assert told in written


def test_goldens_are_told_by_label_and_too_little_evidence_as_such(made: Trained, exported: Path) -> None:
    manifest = Manifest.read(VersionDir(exported).manifest)
    told = ", ".join(f"{label} {count}" for label, count in manifest.goldens.items())
    assert f"{sum(manifest.goldens.values())} held-out requests" in _plain(VersionDir(exported).card.read_text())
    assert f"by label: {told}." in _plain(VersionDir(exported).card.read_text())
    assert "less than a promotion asks for" not in markdown(model_card(manifest, made))
    few = manifest.model_copy(update={"goldens": {made.spec.labels[0]: 3}})
    written = _plain(markdown(model_card(few, made)))
    assert "3 held-out requests" in written
    assert "That is less than a promotion asks for: 3 goldens, at least 8 needed; no golden for label '" in written


def test_a_model_that_was_not_trained_here_has_a_card_without_figures(made: Trained, exported: Path) -> None:
    manifest = Manifest.read(VersionDir(exported).manifest)
    card = model_card(manifest, replace(made, evidence=None))
    assert [section.title for section in card.sections] == [
        "Intended use",
        "Limits",
        "Data and licence",
        "Parity",
        "Batch safety",
        "Checked at export",
        "How it was made",
    ]
    assert "<img" not in page(card, {})


def test_a_detectors_card_tells_its_average_precision_by_label_and_size(made: Trained, exported: Path) -> None:
    assert made.evidence is not None
    figure = Metric(name="mAP@.5", value=0.77, data="scenes", rows=3, low=0.7, high=0.8)
    part = AveragePrecision(by="label", value="Bag", things=12, mean=0.4321, at_half=0.8765)
    evaluation = Evaluation.model_validate(
        {name: getattr(made.evidence.evaluation, name) for name in Evaluation.model_fields}
        | {"labels": (), "metrics": (figure,), "precisions": (part,)}
    )
    detector = replace(made, evidence=replace(made.evidence, evaluation=evaluation))
    card = model_card(Manifest.read(VersionDir(exported).manifest), detector)
    assert ("mAP@.5", "0.7700", "95 %: 0.7000 to 0.8000") in card.tiles
    assert "| label | Bag | 0.4321 | 0.8765 | 12 |" in markdown(card)
    assert page(card, {"shown": b"a picture"}).count("<img") == 1


def test_cpu_seconds_that_were_not_all_measured_are_not_told(made: Trained, exported: Path) -> None:
    assert made.evidence is not None
    epochs = [*made.evidence.epochs, replace(made.evidence.epochs[0], cpu_seconds=None)]
    unmeasured = replace(made, evidence=replace(made.evidence, epochs=epochs))
    card = model_card(Manifest.read(VersionDir(exported).manifest), unmeasured)
    assert "Environmental cost" not in [section.title for section in card.sections]


def test_a_table_of_markdown() -> None:
    card = Card("t", "d", [], [], [Section("S", tables=[Table(("a", "b|c"), [("1\n2", "x")], "T")])])
    assert markdown(card).endswith("## S\n\n### T\n\n| a | b\\|c |\n| --- | --- |\n| 1 2 | x |\n")
