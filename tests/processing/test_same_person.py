"""Distances of faces."""

import pytest

from processing.same_person import distance


def test_distances_are_euclidean() -> None:
    assert distance([1.0, 2.0], [4.0, 6.0]) == pytest.approx(5)
