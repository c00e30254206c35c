"""Every decision of the version policy, as a table."""

import pytest

from serving.policy import Load, State, Unload, VersionView, latest, next_action

NEW, LOADING, READY, LEAVING, END = State.START, State.LOADING, State.AVAILABLE, State.UNLOADING, State.END


@pytest.mark.parametrize(
    ("on_disk", "failed", "version"),
    [
        ([], [], None),
        ([1, 3, 2], [], 3),
        ([1, 3, 2], [3], 2),
        ([1], [1], None),
        ([0], [], 0),
        ([2], [5], 2),
    ],
)
def test_latest(on_disk: list[int], failed: list[int], version: int | None) -> None:
    assert latest(on_disk, failed) == version


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
        ([(1, READY, False), (2, LOADING, False), (3, NEW, True)], None),  # one load at a time
        ([(1, READY, False), (2, READY, False), (3, NEW, True)], Unload(1)),  # one old one is enough
        ([(1, READY, False)], Unload(1)),  # its folder is gone, and nothing replaces it
        ([(2, READY, False), (1, NEW, True)], Load(1)),  # back to the lower version
        ([(1, NEW, True), (2, NEW, True)], Load(2)),
        ([(1, LEAVING, False), (2, NEW, True)], Load(2)),
        ([(1, END, False)], None),
        ([(1, NEW, False)], None),
    ],
)
def test_next_action(views: list[tuple[int, State, bool]], action: Load | Unload | None) -> None:
    assert next_action([VersionView(*view) for view in views]) == action
