"""What is said of the answers of two versions."""

from export.difference import paired
from export.promotion import Subject
from tests.export.test_promotion import answers, subject


def test_answers_to_the_same_rows_are_compared_row_by_row() -> None:
    found = paired(subject(1, answers(90, 10)), subject(2, answers(95, 5)))
    assert found is not None
    assert (found["rows"], found["accuracy"], found["won"], found["lost"]) == (100, (0.9, 0.95), 5, 0)
    low, high = found["interval"]
    assert low <= found["difference"] <= high


def test_answers_to_other_rows_are_not_compared() -> None:
    other: list[Subject] = [subject(2), subject(2, answers(9, 1, "1" * 64))]
    assert [paired(subject(1, answers(9, 1)), found) for found in other] == [None, None]
