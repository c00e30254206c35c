"""Every decision of the version policy, as a table."""

from typing import Any

import pytest

from serving.lifecycle.policy import (
    Every,
    Labelled,
    Latest,
    Load,
    Policy,
    Specific,
    State,
    Unload,
    VersionView,
    comes_first,
    next_action,
    wanted,
)

NEW, LOADING, READY, LEAVING, END = State.START, State.LOADING, State.AVAILABLE, State.UNLOADING, State.END


@pytest.mark.parametrize(
    ("policy", "on_disk", "failed", "versions"),
    [
        (Latest(), [], [], set()),
        (Latest(), [1, 3, 2], [], {3}),
        (Latest(), [1, 3, 2], [3], {2}),  # the next lower one
        (Latest(), [1], [1], {1}),  # nothing better: an old one that is loaded may stay for it
        (Latest(), [0], [], {0}),
        (Latest(), [2], [5], {2}),
        (Latest(2), [1, 3, 2], [], {2, 3}),
        (Latest(2), [1, 3, 2], [3], {1, 2}),
        (Latest(2), [4], [], {4}),
        (Every(), [1, 3, 2], [3], {1, 2, 3}),
        (Every(), [], [], set()),
        (Specific(frozenset({1, 7})), [1, 3, 7, 9], [], {1, 7}),
        (Specific(frozenset({1, 7})), [1, 3], [], {1}),
        (Specific(frozenset()), [1], [], set()),
        (Labelled(frozenset({1, 7})), [1, 3, 4], [], {1, 4}),
        (Labelled(frozenset({1})), [1, 3, 4], [4], {1, 3}),  # the newest is broken
        (Labelled(frozenset({4})), [1, 4], [4], {1, 4}),
    ],
)
def test_wanted(policy: Policy, on_disk: list[int], failed: list[int], versions: set[int]) -> None:
    assert wanted(policy, on_disk, failed) == versions


@pytest.mark.parametrize(
    ("views", "action"),
    [
        ([], None),
        ([(1, NEW, True)], Load(1)),
        ([(1, LOADING, True)], None),
        ([(1, READY, True)], None),
        ([(1, READY, False), (2, NEW, True)], Load(2)),  # load before unload
        ([(1, READY, False), (2, LOADING, True)], None),
        ([(1, READY, False), (2, READY, True)], Unload(1)),
        ([(1, READY, False), (2, END, True)], None),  # the new one failed: the old one stays
        ([(1, READY, False), (2, LOADING, True), (3, NEW, True)], None),  # one load at a time
        ([(1, READY, False), (2, LOADING, False), (3, NEW, True)], Load(3)),  # an abandoned load holds nobody up
        ([(1, READY, False), (2, READY, True), (3, NEW, True)], Unload(1)),
        ([(2, READY, True), (3, NEW, True)], Load(3)),
        ([(1, READY, False), (2, NEW, True, False)], None),  # nobody has asked for it yet
        ([(1, READY, False), (2, READY, False), (3, NEW, True)], Unload(1)),  # one old one is enough
        ([(1, READY, False)], Unload(1)),  # its folder is gone, and nothing replaces it
        ([(2, READY, False), (1, NEW, True)], Load(1)),  # back to the lower version
        ([(1, NEW, True), (2, NEW, True)], Load(2)),
        ([(1, LEAVING, False), (2, NEW, True)], Load(2)),
        ([(1, END, False)], None),
        ([(1, NEW, False)], None),
    ],
)
def test_next_action(views: list[tuple[Any, ...]], action: Load | Unload | None) -> None:
    assert next_action([VersionView(*view) for view in views]) == action


@pytest.mark.parametrize(
    ("views", "action"),
    [
        ([(1, READY, False), (2, NEW, True)], Unload(1)),  # first makes room
        ([(1, LEAVING, False), (2, NEW, True)], None),
        ([(1, LOADING, False), (2, NEW, True)], None),
        ([(1, END, False), (2, NEW, True)], Load(2)),
        ([(1, READY, True), (2, NEW, True)], Load(2)),
        ([(1, READY, False), (2, NEW, True, False)], None),  # keeps serving until someone asks
        ([(1, READY, False), (2, END, True)], None),
    ],
)
def test_resource_preserving(views: list[tuple[Any, ...]], action: Load | Unload | None) -> None:
    assert next_action([VersionView(*view) for view in views], resource_preserving=True) == action


def test_what_traffic_waits_for_loads_before_what_is_new() -> None:
    first, new = VersionView(1, NEW, wanted=True, first=True), VersionView(2, NEW, wanted=True)
    assert next_action([first, new]) == Load(1)
    assert comes_first(Labelled(frozenset({1})), 1)
    assert not comes_first(Labelled(frozenset({1})), 2)
    assert not comes_first(Latest(), 1)
