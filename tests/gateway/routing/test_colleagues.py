"""Figures of several workers, added up."""

from datetime import UTC, datetime
from pathlib import Path

from gateway.routing.colleagues import Colleagues, Figures
from gateway.routing.figures import CanaryFigures, ComparisonFigures, SideFigures, TallyFigures
from gateway.routing.route import Route

ROUTE = Route(to=1, split=[{"to": 2, "percent": 10}])


def figures(events: int, *, worst: float | None = 0.5, route: Route = ROUTE, since: datetime | None = None) -> Figures:
    tally = TallyFigures(events=events, trials=10)
    side = SideFigures(failed=tally, slow=tally)
    compared = ComparisonFigures(
        to=2,
        compared=4 if worst is not None else 0,
        agreed=3 if worst is not None else 0,
        agreement=0.75 if worst is not None else None,
        mean_distance=worst and worst / 2,
        worst_distance=worst,
        failed=1,
        absent=2,
        dropped=3,
    )
    canary = CanaryFigures(to=2, version=2, canary=side, stable=side, disagreed=tally)
    return Figures(route=route, since=since, canaries=[canary], comparisons=[compared])


def test_counts_are_added_and_distances_weighed() -> None:
    seen = figures(1).with_those([figures(2, worst=1.0), figures(4, worst=None)])
    [canary], [compared] = seen.canaries, seen.comparisons
    assert canary.disagreed == canary.canary.failed == canary.stable.slow == TallyFigures(events=7, trials=30)
    assert (compared.compared, compared.agreed, compared.agreement) == (8, 6, 0.75)
    assert (compared.mean_distance, compared.worst_distance) == (0.375, 1.0)
    assert (compared.failed, compared.absent, compared.dropped) == (3, 6, 9)


def test_what_nobody_compared_has_no_distance() -> None:
    [compared] = figures(0, worst=None).with_those([figures(0, worst=None)]).comparisons
    assert (compared.agreement, compared.mean_distance, compared.worst_distance) == (None, None, None)


def test_other_routes_and_the_same_one_at_another_time_do_not_count() -> None:
    other, again = figures(1, route=Route(to=3)), figures(1, since=datetime.now(UTC))
    assert figures(1).with_those([other, again]) == figures(1)


def test_a_version_of_its_own_has_counts_of_its_own() -> None:
    moved = figures(5)
    moved.canaries[0].version = 3
    assert [canary.version for canary in figures(1).with_those([moved]).canaries] == [2, 3]


def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "routes-1.json").write_bytes(b'{"digits":')
    (tmp_path / "routes-2.json").write_text(f'{{"digits": {figures(2).model_dump_json()}}}')
    assert Colleagues(tmp_path, dict, 1.0).of("digits") == [figures(2)]
    assert Colleagues(None, dict, 1.0).of("digits") == []
