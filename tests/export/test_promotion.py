"""Every check of a promotion, as tables."""

import json
from typing import Any

import numpy as np
import pytest

from export.minimum import Minimum, lacking
from export.promotion import Seen, Subject, percentile, verdict
from export.rules import PromotionRules
from store.held_out import HeldOut
from store.manifest import Manifest, Metric, Origin
from store.records import Check
from tests.support.manifests import PARITY, manifest

FINE = Seen("server", None, 8, (1.0, 2.0, 3.0))


def metric(name: str, value: float) -> Metric:
    return Metric(name=name, value=value, data="made up", rows=100)


def answers(right: int, wrong: int, rows: str = "0" * 64, *, first_wrong: bool = False) -> HeldOut:
    """Of `right + wrong` rows so many are right: the first, or with `first_wrong` the last."""
    truth = np.zeros(right + wrong, np.int32)
    predicted = np.array([0] * right + [1] * wrong, np.int32)
    return HeldOut(rows, truth, predicted[::-1] if first_wrong else predicted)


def subject(version: int, held_out: HeldOut | None = None, **facts: Any) -> Subject:
    made: Manifest = manifest().model_copy(update=facts)
    return Subject(version, made, held_out)


def checks(candidate: Subject, current: Subject | None = None, seen: Seen = FINE, **options: Any) -> dict[str, Check]:
    accepted = {name: options.pop(name) for name in ("terms_unclear", "terms_accepted") if name in options}
    return {check.name: check for check in verdict(candidate, current, seen, PromotionRules(**options), **accepted)}


def test_a_first_version_has_nothing_to_compare_with() -> None:
    found = checks(subject(1))
    assert list(found) == ["evidence", "goldens", "latency", "accuracy", "robustness", "licence"]
    assert all(check.passed for check in found.values())
    assert found["accuracy"].fact == "0.5000; nothing to compare"


def test_evidence_is_told_with_its_amounts() -> None:
    assert checks(subject(1))["evidence"] == Check(
        name="evidence", passed=True, fact="64 parity inputs; 8 goldens, in batches of up to 64"
    )
    little = subject(1, parity=(PARITY, PARITY.model_copy(update={"inputs": 12})), goldens={"0": 3}, batching=None)
    assert checks(little, seen=Seen("server", None, 3))["evidence"] == Check(
        name="evidence",
        passed=False,
        fact="12 parity inputs, at least 64 needed; 3 goldens, at least 8 needed; no golden for label '1'; no answer "
        "was compared with the same one in a batch; export a run of more held-out rows",
    )


@pytest.mark.parametrize(
    ("facts", "minimum", "lacks"),
    [
        ({}, {}, ""),
        ({"parity": ()}, {}, "0 parity inputs, at least 64 needed"),
        ({"parity": ()}, {"parity_inputs": 0}, ""),
        ({"goldens": {"0": 7, "1": 1}}, {}, ""),
        ({"goldens": {"0": 6, "1": 1}}, {}, "7 goldens, at least 8 needed"),
        ({"goldens": {"0": 8}}, {}, "no golden for label '1'"),
        ({"goldens": {"0": 8}}, {"few_labels": 1}, ""),
        ({"goldens": {}}, {"goldens": 0, "few_labels": 2}, "no golden for label '0', '1'"),
        (
            {"labels": tuple(map(str, range(32)))},
            {},
            "no golden for label '2', '3', '4', '5', '6' and 25 more",
        ),
        ({"labels": tuple(map(str, range(33)))}, {}, ""),
        ({"batching": None}, {}, "no answer was compared with the same one in a batch"),
    ],
)
def test_the_least_evidence(facts: dict[str, Any], minimum: dict[str, int], lacks: str) -> None:
    assert "; ".join(lacking(manifest().model_copy(update=facts), Minimum(**minimum))) == lacks


def older(*lacks: str) -> Manifest:
    """As an older kmaas wrote it, without the fields that it did not know."""
    document = json.loads(manifest().document())
    return Manifest.parse(json.dumps({name: value for name, value in document.items() if name not in lacks}))


@pytest.mark.parametrize("published_since", [False, True])
def test_what_an_older_kmaas_did_not_write_is_not_called_missing(published_since: bool) -> None:
    """A later kmaas that published it may have written defaults into manifest.json; the graph has it as it was."""
    old = older("goldens", "recorded")
    disk = Manifest.parse(old.document()) if published_since else old
    found = checks(Subject(1, disk, None), seen=Seen("server", None, 8, (1.0,), old))["evidence"]
    assert found == Check(
        name="evidence",
        passed=False,
        fact="an older kmaas exported it: its manifest does not say recorded, goldens; export it again",
    )
    unreachable = checks(Subject(1, old, None), seen=Seen("server", "nobody is there"))["evidence"]
    assert unreachable == found


def test_what_an_older_kmaas_did_write_counts() -> None:
    little = older("recorded").model_copy(update={"goldens": {"0": 3}, "batching": None})
    assert checks(Subject(1, little, None), seen=Seen("server", None, 3))["evidence"].fact == (
        "an older kmaas exported it: its manifest does not say recorded; export it again; 3 goldens, at least 8 "
        "needed; no golden for label '1'; no answer was compared with the same one in a batch; export a run of more "
        "held-out rows"
    )


@pytest.mark.parametrize(
    ("recorded", "goldens", "passed"),
    [(0, 8, False), (7, 8, False), (8, 8, True), (998, 1200, False), (999, 1200, True)],
)
def test_there_is_a_recorded_answer_for_each_golden_as_far_as_the_warm_up_file_goes(
    recorded: int, goldens: int, passed: bool
) -> None:
    candidate = subject(1, recorded=recorded, goldens={"0": goldens - 4, "1": 4})
    found = checks(candidate, seen=Seen("server", None, goldens, (1.0,)))["evidence"]
    assert found.passed is passed
    if not passed:
        assert found.fact == (
            f"the manifest counts {recorded} recorded answers and {goldens} goldens: at least {min(goldens, 999)} are "
            "needed for a model server to prove it by; export it again"
        )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"temperature": 2.0}, "temperature"),
        ({"labels": ("1", "0")}, "labels"),
        (
            {"metrics": (metric("accuracy", 0.9),)},
            "metrics.accuracy.value, metrics.accuracy.data, metrics.accuracy.rows",
        ),
        ({"description": "Letters.", "run": "another", "recorded": 9}, "description, recorded, run"),
    ],
)
def test_a_manifest_that_is_not_the_one_in_the_graph_is_refused(change: dict[str, Any], told: str) -> None:
    served = manifest().model_copy(update={"version": 1})
    found = checks(subject(1, **change), seen=Seen("server", None, 8, (1.0,), served))["evidence"]
    assert (found.passed, found.fact) == (
        False,
        f"manifest.json is not what the model server answers from the graph: they differ in {told}; export it again",
    )


def test_the_version_is_in_the_manifest_beside_the_graph_only() -> None:
    published = Subject(1, manifest().model_copy(update={"version": 1}), None)
    assert checks(published, seen=Seen("server", None, 8, (1.0,), manifest()))["evidence"].passed


def test_a_version_whose_files_no_server_compares_is_refused() -> None:
    found = checks(subject(1, files={}), seen=Seen("server", None, 8, (1.0,), manifest()))["evidence"]
    assert (found.passed, found.fact) == (
        False,
        "manifest.json has no digests of the version's files, as an older kmaas left it: no model server would notice "
        "that they changed; export it again",
    )


def test_goldens_that_the_server_does_not_have_are_missed() -> None:
    found = checks(subject(1), seen=Seen("server", None, 7, (1.0,)))["evidence"]
    assert found.fact == "the model server has 7 goldens, the manifest promises 8; publish it anew"
    assert checks(subject(1), seen=Seen("server", "nobody is there"))["evidence"].passed


def test_labels_in_another_order_are_refused() -> None:
    found = checks(subject(2, labels=("1", "0")), subject(1))
    assert not found["labels"].passed
    assert found["labels"].fact == "1, 0; version 1 has 0, 1"
    assert "labels" not in checks(subject(2), subject(1))


@pytest.mark.parametrize(
    ("seen", "passed", "fact"),
    [
        (FINE, (True, True), "8 answered rightly by the model server at server"),
        (Seen("server", "golden seven is answered wrongly"), (False, False), "golden seven is answered wrongly"),
        (Seen("server", None, 8, (1.0, 300.0)), (True, False), "8 answered rightly by the model server at server"),
        (Seen("server", None, 8, tuple([1.0] * 95 + [300.0] * 5)), (True, True), "8 answered rightly"),
        (Seen("server", None, 8, tuple([1.0] * 94 + [300.0] * 6)), (True, False), "8 answered rightly"),
    ],
)
def test_what_the_server_showed(seen: Seen, passed: tuple[bool, bool], fact: str) -> None:
    found = checks(subject(1), seen=seen)
    assert (found["goldens"].passed, found["latency"].passed) == passed
    assert fact in found["goldens"].fact


def test_the_other_signatures_that_were_asked_are_told() -> None:
    seen = Seen("server", None, 8, (1.0,), signatures=("raw", "explain"))
    assert checks(subject(1), seen=seen)["goldens"].fact == (
        "8 answered rightly by the model server at server, and a recorded request of raw, explain"
    )


def test_the_latency_says_what_was_measured_and_allowed() -> None:
    found = checks(subject(1), seen=Seen("server", None, 1, (1.0, 2.0, 40.0)), latency_ms=30)
    assert found["latency"] == Check(
        name="latency", passed=False, fact="95th percentile 40.0 ms of 3 requests, at most 30 ms"
    )


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [((3.0,), 0.95, 3.0), ((1.0, 2.0, 3.0, 4.0), 0.5, 2.0), (tuple(map(float, range(100))), 0.95, 94.0)],
)
def test_percentile_is_the_nearest_rank(values: tuple[float, ...], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


@pytest.mark.parametrize(
    ("ours", "theirs", "accuracy", "mcnemar"),
    [
        (answers(90, 10), answers(90, 10), True, True),  # the same answers
        (answers(95, 5), answers(90, 10), True, True),
        (answers(60, 40), answers(90, 10), False, False),  # plainly worse
        (answers(9_990, 10), answers(10_000, 0), True, False),  # by a thousandth, beyond chance
        (answers(50, 50), answers(50, 50, first_wrong=True), False, True),  # as good, and nobody can say so
        (answers(997, 3), answers(1000, 0), True, True),  # by chance
    ],
)
def test_accuracy_on_the_same_rows(ours: HeldOut, theirs: HeldOut, accuracy: bool, mcnemar: bool) -> None:
    found = checks(subject(2, ours), subject(1, theirs))
    assert (found["accuracy"].passed, found["mcnemar"].passed) == (accuracy, mcnemar)
    assert "on the same" in found["accuracy"].fact


def test_accuracy_tells_figures_and_margin() -> None:
    found = checks(subject(2, answers(60, 40)), subject(1, answers(90, 10)), accuracy_margin=0.1)
    fact = found["accuracy"].fact
    assert fact.startswith("0.6000, version 1 0.9000 on the same 100 rows: -0.3000 (95 %: -0.")
    assert fact.endswith("at least -0.1")
    assert found["mcnemar"].fact == "right where version 1 is wrong: 0, the other way round: 30; p = 1.9e-09"


def test_margins_are_the_operator_s() -> None:
    worse, better = subject(2, answers(60, 40)), subject(1, answers(90, 10))
    found = checks(worse, better, accuracy_margin=0.5, mcnemar_level=0)
    assert (found["accuracy"].passed, found["mcnemar"].passed) == (True, True)


@pytest.mark.parametrize(
    ("ours", "theirs", "passed", "words"),
    [
        (0.90, 0.90, True, "unpaired"),
        (0.885, 0.90, True, "-0.0150, at least -0.02; unpaired"),
        (0.87, 0.90, False, "0.8700, version 1 0.9000: -0.0300, at least -0.02; unpaired"),
        (None, 0.90, False, "not measured, so it may be worse than version 1"),
        (0.10, None, True, "that of version 1 was not measured"),
        (None, None, False, "not measured"),
    ],
)
def test_accuracy_without_the_same_rows(ours: float | None, theirs: float | None, passed: bool, words: str) -> None:
    def with_accuracy(version: int, value: float | None) -> Subject:
        return subject(version, metrics=() if value is None else (metric("accuracy", value),))

    found = checks(with_accuracy(2, ours), with_accuracy(1, theirs))
    assert "mcnemar" not in found
    assert found["accuracy"].passed is passed
    assert words in found["accuracy"].fact


def test_other_rows_are_not_the_same_rows() -> None:
    found = checks(subject(2, answers(1, 99, "1" * 64)), subject(1, answers(99, 1)))
    assert found["accuracy"].passed  # by the manifests: 0.5 and 0.5
    assert "unpaired, since they were measured on other rows" in found["accuracy"].fact


@pytest.mark.parametrize(
    ("ours", "theirs", "floor", "passed", "words"),
    [
        ((), (), 0.0, True, "not measured"),
        ((), (), 0.5, False, "not measured, and promotion.robustness_floor is 0.5"),
        ((0.7, 0.6), (), 0.0, True, "2 figures, the lowest blur 0.6000"),
        ((0.7, 0.6), (), 0.65, False, "blur 0.6000, at least 0.65"),
        ((0.7, 0.6), (0.7, 0.64), 0.0, True, "2 figures"),
        ((0.7, 0.6), (0.8, 0.66), 0.0, False, "noise 0.7000, version 1 0.8000: -0.1000, at least -0.05; blur"),
        ((0.9,), (0.9, 0.9), 0.0, True, "1 figures"),
    ],
)
def test_robustness(ours: tuple[float, ...], theirs: tuple[float, ...], floor: float, passed: bool, words: str) -> None:
    names = ("noise", "blur")
    candidate, current = (
        subject(number, robustness=tuple(metric(*pair) for pair in zip(names, values, strict=False)))
        for number, values in ((2, ours), (1, theirs))
    )
    found = checks(candidate, current, robustness_floor=floor)["robustness"]
    assert found.passed is passed
    assert words in found.fact


@pytest.mark.parametrize(
    ("licence", "catalogue", "accepted", "passed"),
    [
        ("CC0-1.0", False, False, True),
        ("CC0-1.0", True, False, False),
        ("CC0-1.0", True, True, True),
        ("unclear: none is given", False, False, False),
        ("Unknown", False, True, True),
        ("NOASSERTION", False, False, False),
        ("", False, False, False),
        ("none", False, False, False),
        ("none of the above, see NOTICE", False, False, True),
    ],
)
def test_licence(licence: str, catalogue: bool, accepted: bool, passed: bool) -> None:
    candidate = subject(1, origins=(Origin(licence=licence, source="made up"),))
    found = checks(candidate, terms_unclear=catalogue, terms_accepted=accepted)["licence"]
    assert found.passed is passed
    assert ("--accept-licence" in found.fact) is not passed
