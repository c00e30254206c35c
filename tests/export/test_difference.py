"""What is said of two versions that differ."""

from export.difference import differences, paired
from export.promotion import Subject
from store.manifest import Metric, Parity
from tests.export.test_promotion import answers, subject
from tests.support.manifests import PARITY, manifest


def fields(**changes: object) -> dict[str, tuple[object, object]]:
    found = differences(manifest(), manifest().model_copy(update=changes))
    return {difference.field: (difference.before, difference.after) for difference in found}


def test_equal_manifests_do_not_differ() -> None:
    assert fields() == {}
    assert fields(version=7) == {}


def test_each_value_that_changed_is_named() -> None:
    accuracy, brier = manifest().metrics[0], Metric(name="brier", value=0.1, data="none", rows=2)
    parity = Parity(between=("gateway", "raw"), inputs=64, unit="pixels", mean=0, largest=1, allowed=2)
    assert fields(
        digest="1" * 64,
        labels=("0", "2"),
        metrics=(brier, accuracy.model_copy(update={"value": 0.75})),
        processing={"kind": "image", "height": 28},
        parity=(PARITY, parity),
        temperature=1.5,
    ) == {
        "digest": ("0" * 64, "1" * 64),
        "processing.height": (None, 28),
        "labels": (["0", "1"], ["0", "2"]),
        "metrics.accuracy.value": (0.5, 0.75),
        "metrics.brier": (None, brier.model_dump(mode="json")),
        "temperature": (1.0, 1.5),
        "parity.gateway and raw": (None, parity.model_dump(mode="json")),
    }


def test_answers_to_the_same_rows_are_compared_row_by_row() -> None:
    found = paired(subject(1, answers(90, 10)), subject(2, answers(95, 5)))
    assert found is not None
    assert (found["rows"], found["accuracy"], found["won"], found["lost"]) == (100, (0.9, 0.95), 5, 0)
    low, high = found["interval"]
    assert low <= found["difference"] <= high


def test_answers_to_other_rows_are_not_compared() -> None:
    other: list[Subject] = [subject(2), subject(2, answers(9, 1, "1" * 64))]
    assert [paired(subject(1, answers(9, 1)), found) for found in other] == [None, None]
