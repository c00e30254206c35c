"""Groups are dealt out whole, each label in its share, the same way every time."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.split import split


def test_each_label_is_in_each_part_in_its_share() -> None:
    labels = ["often"] * 200 + ["rarely"] * 10
    parts = split(range(210), labels, {"test": 0.1, "validation": 0.2}, seed=1)
    counts = Counter(zip(labels, parts, strict=True))
    assert [counts["often", part] for part in ("train", "validation", "test")] == [140, 40, 20]
    assert [counts["rarely", part] for part in ("train", "validation", "test")] == [7, 2, 1]
    assert parts == split(range(210), labels, {"test": 0.1, "validation": 0.2}, seed=1)
    assert parts != split(range(210), labels, {"test": 0.1, "validation": 0.2}, seed=2)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("ab")), max_size=60))
def test_no_group_is_divided(rows: list[tuple[int, str]]) -> None:
    groups, labels = [group for group, _ in rows], [label for _, label in rows]
    parts = split(groups, labels, {"test": 0.1, "validation": 0.2}, seed=1)
    assert len(set(zip(groups, parts, strict=True))) == len(set(groups))


def test_a_group_too_large_for_its_share_is_trained_on() -> None:
    assert set(split([0] * 50 + list(range(1, 51)), ["a"] * 100, {"test": 0.1, "validation": 0.1}, seed=1)[:50]) == {
        "train"
    }
