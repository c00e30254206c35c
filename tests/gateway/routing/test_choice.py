"""Whose turn a call is."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.choice import drawn, key_of, sampled, uniform
from gateway.routing.route import Part, Route, Shadow

KEYS = [f"caller-{number}" for number in range(2000)]

few = settings(max_examples=30)  # each example draws for every key
percentages = st.lists(st.integers(1, 30), min_size=1, max_size=3)


def split(*percents: float) -> Route:
    """The n-th part goes to version n."""
    return Route(split=tuple(Part(to=to, percent=percent) for to, percent in enumerate(percents)))


def places(route: Route) -> dict[str, int | str | None]:
    found = {key: drawn(route, "digits", key) for key in KEYS}
    return {key: part.to if part else None for key, part in found.items()}


@few
@given(percentages)
def test_each_part_gets_its_percentage(percents: list[int]) -> None:
    counts = Counter(places(split(*percents)).values())
    for to, percent in enumerate(percents):
        deviation = (len(KEYS) * percent / 100 * (1 - percent / 100)) ** 0.5
        assert abs(counts[to] - len(KEYS) * percent / 100) < 5 * deviation


@few
@given(percentages, st.data())
def test_no_key_leaves_a_part_that_grows_or_the_rest_when_one_shrinks(percents: list[int], data: st.DataObject) -> None:
    changed = data.draw(st.integers(0, len(percents) - 1))
    larger = data.draw(st.integers(percents[changed], 33))
    small = places(split(*percents))
    large = places(split(*(larger if to == changed else percent for to, percent in enumerate(percents))))
    gone = places(split(*percents).without(changed))
    assert all(large[key] == changed for key in KEYS if small[key] == changed)
    assert all(small[key] is None for key in KEYS if large[key] is None)
    assert all(gone[key] is None for key in KEYS if small[key] is None)


@few
@given(st.integers(1, 100), st.integers(1, 100))
def test_beside_one_part_keys_move_only_between_it_and_the_rest(before: int, after: int) -> None:
    left, right = places(split(before)), places(split(after))
    moved = [key for key in KEYS if left[key] != right[key]]
    assert abs(len(moved) / len(KEYS) - abs(after - before) / 100) < 0.06


def test_all_and_nothing() -> None:
    assert set(places(split(100)).values()) == {0}
    assert set(places(Route(to="stable")).values()) == {None}
    assert all(sampled(100, "shadow", "digits", key) for key in KEYS)


def test_models_are_dealt_independently_of_each_other_and_of_their_shadows() -> None:
    route = split(50)
    digits = [drawn(route, "digits", key) is not None for key in KEYS]
    others = [drawn(route, "sentiment", key) is not None for key in KEYS]
    shadowed = [sampled(50, "shadow", "digits", key) for key in KEYS]
    for second in (others, shadowed):
        both = sum(a and b for a, b in zip(digits, second, strict=True))
        assert 0.2 < both / len(KEYS) < 0.3


def test_a_choice_never_changes() -> None:
    """The same in every process and release: a caller that is stuck to a version stays there."""
    found = places(Route(split=(Part(to="canary", percent=10),)))
    assert [key for key in KEYS[:10] if found[key]] == ["caller-2", "caller-8"]


@given(st.text(max_size=20))
def test_the_key_is_the_sticky_header_or_the_request_s_own_id(value: str) -> None:
    headers = {"X-Sticky-Key": value}
    assert key_of(Route(sticky="X-Sticky-Key"), headers.get, "id") == (value or "id")
    assert key_of(Route(sticky="X-Other"), headers.get, "id") == "id"
    assert key_of(Route(), headers.get, "id") == "id"
    assert 0 < uniform(value) <= 1


def test_without_takes_the_shadow_too() -> None:
    route = Route(split=(Part(to=1, percent=5), Part(to=2, percent=5)), shadow=Shadow(to=1), to=3)
    assert route.without(1) == Route(split=(Part(to=2, percent=5),), to=3)
    assert route.selectors == {"to": 3, "split[0].to": 1, "split[1].to": 2, "shadow.to": 1}
