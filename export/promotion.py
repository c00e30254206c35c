"""The verdict on a promotion: what is known of a version, beside the one in its place, by the rules. Pure."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from export.minimum import lacking, too_few_recorded, unsaid
from export.rules import PromotionRules
from store.difference import differences
from store.held_out import HeldOut
from store.layout import VersionDir
from store.manifest import Manifest, Metric
from store.paired import mcnemar, paired_difference
from store.records import Check

_METRIC = "accuracy"
_SEED = 1  # of the bootstrap: the same evidence gives the same verdict
_PERCENTILE = 0.95
_SHOWN = 5  # fields
_UNCLEAR = re.compile(r"^\s*$|unclear|unknown|noassertion|^none$", re.IGNORECASE)


@dataclass(frozen=True)
class Subject:
    """A version, and its answers to held-out rows if it has them."""

    version: int
    manifest: Manifest
    held_out: HeldOut | None

    @classmethod
    def of(cls, folder: VersionDir) -> "Subject":
        """Raises `ManifestError` when something of it is damaged."""
        held_out = HeldOut.read(folder.held_out) if folder.held_out.exists() else None
        return cls(folder.number, Manifest.read(folder.manifest), held_out)


@dataclass(frozen=True)
class Seen:
    """What a live model server showed of the version.

    Attributes:
        where: its address.
        fault: why the goldens, or what is recorded of another signature, are not all answered rightly, None if they
            are.
        goldens: how many there are.
        latencies_ms: of golden requests, each by itself.
        manifest: the one in the graph, None if it was not read.
        signatures: of which a recorded request was answered rightly, besides that of the goldens.
    """

    where: str
    fault: str | None
    goldens: int = 0
    latencies_ms: tuple[float, ...] = ()
    manifest: Manifest | None = None
    signatures: tuple[str, ...] = ()


def verdict(
    candidate: Subject,
    current: Subject | None,
    seen: Seen,
    rules: PromotionRules,
    *,
    terms_unclear: bool = False,
    terms_accepted: bool = False,
) -> tuple[Check, ...]:
    """Every check there is, in order; a version may be promoted if all are passed.

    Args:
        current: the version whose place it would take, None if there is none.
        terms_unclear: the catalogue says so; the manifest's own words count, too.
    """
    unclear = terms_unclear or any(_UNCLEAR.search(origin.licence) for origin in candidate.manifest.origins)
    return (
        _evidence(candidate.manifest, seen, rules),
        _goldens(seen),
        _latency(seen, rules.latency_ms),
        *_accuracy(candidate, current, rules),
        _robustness(candidate, current, rules),
        _licence(candidate.manifest, unclear=unclear, accepted=terms_accepted),
    )


def _evidence(manifest: Manifest, seen: Seen, rules: PromotionRules) -> Check:
    exported = seen.manifest or manifest  # the graph has it as it was exported; who publishes writes the other one
    goldens = sum(exported.goldens.values())
    if faults := list(_evidence_faults(manifest, exported, seen, rules)):
        return Check(name="evidence", passed=False, fact="; ".join(faults))
    inputs = min((parity.inputs for parity in exported.parity), default=0)
    sizes = f", in batches of up to {exported.batching.sizes[-1]}" if exported.batching else ""
    return _passed("evidence", f"{inputs} parity inputs; {goldens} goldens{sizes}")


def _evidence_faults(manifest: Manifest, exported: Manifest, seen: Seen, rules: PromotionRules) -> Iterator[str]:
    unknown, goldens = unsaid(exported), sum(exported.goldens.values())
    if unknown:
        told = ", ".join(unknown)
        yield f"an older kmaas exported it: its manifest does not say {told}; export it again"
    if lacks := lacking(exported, rules.minimum):
        yield f"{'; '.join(lacks)}; export a run of more held-out rows"
    if fault := too_few_recorded(exported):
        yield f"{fault}; export it again"
    if not manifest.files:  # which the graph, one of them, cannot say
        yield (
            "manifest.json has no digests of the version's files, as an older kmaas left it: no model server would "
            "notice that they changed; export it again"
        )
    if seen.fault is None and seen.goldens != goldens and "goldens" not in unknown:
        yield f"the model server has {seen.goldens} goldens, the manifest promises {goldens}; publish it anew"
    if fields := [difference.field for difference in differences(manifest, exported)]:
        more = f" and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else ""
        yield (
            "manifest.json is not what the model server answers from the graph: they differ in "
            f"{', '.join(fields[:_SHOWN])}{more}; export it again"
        )


def _goldens(seen: Seen) -> Check:
    right = f"{seen.goldens} answered rightly by the model server at {seen.where}"
    if seen.signatures:
        right += f", and a recorded request of {', '.join(seen.signatures)}"
    return Check(name="goldens", passed=seen.fault is None, fact=seen.fault or right)


def _latency(seen: Seen, budget_ms: float) -> Check:
    if not seen.latencies_ms:
        return Check(name="latency", passed=False, fact="not measured")
    slow = percentile(seen.latencies_ms, _PERCENTILE)
    fact = f"95th percentile {slow:.1f} ms of {len(seen.latencies_ms)} requests, at most {budget_ms:g} ms"
    return Check(name="latency", passed=slow <= budget_ms, fact=fact)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the smallest value that at least `share` of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _accuracy(candidate: Subject, current: Subject | None, rules: PromotionRules) -> Iterator[Check]:
    if current is None:
        measured = _figure(candidate.manifest.metrics, _METRIC)
        yield _passed(_METRIC, f"{'not measured' if measured is None else f'{measured.value:.4f}'}; nothing to compare")
        return
    if candidate.manifest.labels != current.manifest.labels:
        told, known = (", ".join(subject.manifest.labels) for subject in (candidate, current))
        yield Check(name="labels", passed=False, fact=f"{told}; version {current.version} has {known}")
    ours, theirs = candidate.held_out, current.held_out
    if ours is None or theirs is None or ours.rows != theirs.rows:
        reason = "one has no answers to held-out rows" if None in (ours, theirs) else "they were measured on other rows"
        yield _unpaired(candidate, current, rules.accuracy_margin, reason)
        return
    yield _paired(ours, theirs, current.version, rules.accuracy_margin)
    won, lost, chance = mcnemar(ours.right, theirs.right)
    fact = f"right where version {current.version} is wrong: {won}, the other way round: {lost}; p = {chance:.2g}"
    yield Check(name="mcnemar", passed=lost <= won or chance >= rules.mcnemar_level, fact=fact)


def _paired(ours: HeldOut, theirs: HeldOut, version: int, margin: float) -> Check:
    low, high = paired_difference(ours.right, theirs.right, _SEED)
    before, after = float(theirs.right.mean()), float(ours.right.mean())
    fact = (
        f"{after:.4f}, version {version} {before:.4f} on the same {len(ours.truth):,} rows: {after - before:+.4f} "
        f"(95 %: {low:+.4f} to {high:+.4f}), at least {-margin:+g}"
    )
    return Check(name=_METRIC, passed=low >= -margin, fact=fact)


def _unpaired(candidate: Subject, current: Subject, margin: float, reason: str) -> Check:
    """Nothing can be said about chance: the figures of the manifests alone count."""
    ours, theirs = (_figure(subject.manifest.metrics, _METRIC) for subject in (candidate, current))
    if ours is None:
        return Check(
            name=_METRIC, passed=False, fact=f"not measured, so it may be worse than version {current.version}"
        )
    if theirs is None:
        return _passed(_METRIC, f"{ours.value:.4f}; that of version {current.version} was not measured")
    fact = (
        f"{ours.value:.4f}, version {current.version} {theirs.value:.4f}: {ours.value - theirs.value:+.4f}, at least "
        f"{-margin:+g}; unpaired, since {reason}"
    )
    return Check(name=_METRIC, passed=ours.value - theirs.value >= -margin, fact=fact)


def _robustness(candidate: Subject, current: Subject | None, rules: PromotionRules) -> Check:
    figures = candidate.manifest.robustness
    if not figures:
        demanded = f", and promotion.robustness_floor is {rules.robustness_floor:g}" if rules.robustness_floor else ""
        return Check(name="robustness", passed=not demanded, fact=f"not measured{demanded}")
    faults = [
        f"{figure.name} {figure.value:.4f}, at least {rules.robustness_floor:g}"
        for figure in figures
        if figure.value < rules.robustness_floor
    ]
    if current is not None:
        faults += _falls(figures, current, rules.robustness_margin)
    lowest = min(figures, key=lambda figure: figure.value)
    fine = f"{len(figures)} figures, the lowest {lowest.name} {lowest.value:.4f}"
    return Check(name="robustness", passed=not faults, fact="; ".join(faults) or fine)


def _falls(figures: Sequence[Metric], current: Subject, margin: float) -> Iterator[str]:
    for figure in figures:
        before = _figure(current.manifest.robustness, figure.name)
        if before is not None and figure.value < before.value - margin:
            yield (
                f"{figure.name} {figure.value:.4f}, version {current.version} {before.value:.4f}: "
                f"{figure.value - before.value:+.4f}, at least {-margin:+g}"
            )


def _licence(manifest: Manifest, *, unclear: bool, accepted: bool) -> Check:
    terms = "; ".join(dict.fromkeys(origin.licence.strip() or "none named" for origin in manifest.origins))
    if not unclear:
        return _passed("licence", terms or "made here")
    said = "unclear, and accepted" if accepted else "unclear; read the terms, then say --accept-licence"
    return Check(name="licence", passed=accepted, fact=f"{terms or 'none named'}: {said}")


def _figure(metrics: Sequence[Metric], name: str) -> Metric | None:
    return next((metric for metric in metrics if metric.name == name), None)


def _passed(name: str, fact: str) -> Check:
    return Check(name=name, passed=True, fact=fact)
