"""What is said of two manifests that differ."""

from store.difference import differences
from store.manifest import Metric, Parity
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
