"""What several servers tell, as one answer."""

import pytest

from gateway.servers.combine import most, one_labelling, one_listing, one_status
from wire.client import VersionStatus


def lines(**states: str) -> list[VersionStatus]:
    return [VersionStatus(int(name[1:]), state, None) for name, state in states.items()]


def test_a_version_is_where_it_is_best_off() -> None:
    told = [lines(v2="LOADING", v1="AVAILABLE"), lines(v2="AVAILABLE", v1="UNLOADING"), lines(v3="START", v1="END")]
    assert one_status(told) == lines(v3="START", v2="AVAILABLE", v1="AVAILABLE")


def test_an_error_counts_only_where_no_server_does_better() -> None:
    failed = [VersionStatus(1, "END", "no memory")]
    assert one_status([failed, lines(v1="AVAILABLE")]) == lines(v1="AVAILABLE")
    assert one_status([failed, failed]) == failed


def test_one_server_is_taken_at_its_word() -> None:
    alone = lines(v1="END", v3="AVAILABLE", v2="LOADING")
    assert one_status([alone]) == alone
    assert one_status([]) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([], {}),
        ([{"stable": 1}], {"stable": 1}),
        ([{"stable": 1}, {"stable": 2}, {"stable": 2}], {"stable": 2}),
        ([{"stable": 1}, {"stable": 2}], {"stable": 1}),
        ([{}, {"stable": 2}, {"canary": 3}], {"stable": 2, "canary": 3}),
    ],
)
def test_a_label_is_where_most_servers_have_it(told: list[dict[str, int]], expected: dict[str, int]) -> None:
    assert one_labelling(told) == expected


def test_all_models_of_all_servers() -> None:
    assert one_listing([{"b": {"stable": 1}}, {"a": {}, "b": {"stable": 1}}]) == {"a": {}, "b": {"stable": 1}}
    assert list(one_listing([{"b": {}}, {"a": {}}])) == ["a", "b"]


def test_of_equals_the_first() -> None:
    assert [most("abba"), most("ab"), most("abb")] == ["a", "a", "b"]
