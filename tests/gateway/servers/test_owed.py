"""What a server is told again until it has forgotten it."""

from collections.abc import Sequence

import pytest

from gateway.errors import DeadlineError, GatewayError, ModelServerDownError, VersionGoneError
from gateway.servers.owed import Owed

Said = GatewayError | set[int]  # an error, or the leases of which something was kept


class Told:
    """A server that says these things one after another, the last one from then on; and its clock, on which each call
    takes a while."""

    def __init__(self, *says: Said, takes_s: float = 0.0) -> None:
        self._says, self._takes_s = list(says), takes_s
        self.now = 0.0
        self.heard: list[tuple[str, int, list[int]]] = []

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def tell(self, model: str, version: int, leases: Sequence[int]) -> Sequence[bool]:
        self.heard.append((model, version, list(leases)))
        self.now += self._takes_s
        said = self._says.pop(0) if len(self._says) > 1 else self._says[0]
        if isinstance(said, GatewayError):
            raise said
        return [lease in said for lease in leases]


def settled(told: Told, *leases: int) -> list[list[int]]:
    """The leases that each call told it."""
    owed = Owed(told.tell, told, first_s=0.001)
    owed.add("poet", 1, leases)
    assert owed.settled(30)
    return [leases for _, _, leases in told.heard]


def test_it_is_told_until_it_answers() -> None:
    assert settled(Told(DeadlineError(2), ModelServerDownError(), {1, 2}), 1, 2) == [[1, 2]] * 3


def test_what_was_not_there_yet_is_told_again() -> None:
    """The step that was to keep it came after the release."""
    assert settled(Told({1}, set(), {2}), 1, 2) == [[1, 2], [2], [2]]


def test_a_version_that_is_gone_keeps_nothing() -> None:
    assert settled(Told(VersionGoneError("poet", 1)), 1) == [[1]]


@pytest.mark.parametrize("said", [ModelServerDownError(), set()])
def test_after_a_minute_it_is_left_to_lapse(said: Said) -> None:
    assert settled(Told(said, takes_s=25), 1) == [[1]] * 3


def test_versions_are_told_apart_and_later_ones_too() -> None:
    told = Told({1, 2, 3})
    owed = Owed(told.tell, told, first_s=0.001)
    owed.add("poet", 1, [1])
    owed.add("poet", 2, [2])
    assert owed.settled(30)
    owed.add("poet", 1, [3])
    assert owed.settled(30)
    assert sorted(told.heard) == [("poet", 1, [1]), ("poet", 1, [3]), ("poet", 2, [2])]
