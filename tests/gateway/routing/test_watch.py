"""How a call's end is told, of an answer at once and of one in pieces."""

from collections.abc import Iterator

import pytest

from gateway.errors import BrokenAnswerError, CallerLeftError, UnknownModelError
from gateway.routing.watch import Watch
from gateway.stream import Pieces


class Told:
    """What was told, and a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.ends: list[float | None] = []

    def watch(self) -> Watch:
        return Watch(self.ends.append, lambda: self.now)

    def pieces(self, count: int, error: Exception | None = None) -> Pieces:
        """A second each, and the error."""
        for piece in range(count):
            self.now += 1
            yield piece
        if error:
            raise error


@pytest.fixture
def told() -> Told:
    return Told()


def begun(told: Told, pieces: Pieces) -> Iterator[int]:
    """As a pipeline does: the first piece is made within the watch."""
    with told.watch() as watch:
        lasting = watch.lasting(pieces)
        assert next(lasting) == 0
    assert told.ends == []
    return lasting


def test_an_answer_at_once_counts_with_its_time(told: Told) -> None:
    with told.watch():
        told.now = 3
    assert told.ends == [3]


@pytest.mark.parametrize(("error", "ends"), [(BrokenAnswerError("x"), [None]), (UnknownModelError("x"), [])])
def test_only_a_failure_of_the_version_counts(told: Told, error: Exception, ends: list[None]) -> None:
    with pytest.raises(type(error)), told.watch():
        raise error
    assert told.ends == ends


def test_a_stream_counts_at_its_end_with_the_time_of_its_first_piece(told: Told) -> None:
    assert list(begun(told, told.pieces(3))) == [1, 2]
    assert told.ends == [1]


@pytest.mark.parametrize(("error", "ends"), [(BrokenAnswerError("x"), [None]), (CallerLeftError(), [])])
def test_a_stream_that_breaks_off_counts_once(told: Told, error: Exception, ends: list[None]) -> None:
    with pytest.raises(type(error)):
        list(begun(told, told.pieces(2, error)))
    assert told.ends == ends


def test_a_stream_that_its_caller_leaves_says_nothing(told: Told) -> None:
    lasting, closed = begun(told, pieces := told.pieces(3)), pytest.raises(StopIteration)
    lasting.close()  # type: ignore[attr-defined]
    with closed:
        next(pieces)
    assert told.ends == []


def test_a_stream_that_fails_before_its_first_piece_counts_once(told: Told) -> None:
    with pytest.raises(BrokenAnswerError), told.watch() as watch:
        next(watch.lasting(told.pieces(0, BrokenAnswerError("x"))))
    assert told.ends == [None]


def test_one_that_is_begun_anew_counts_once(told: Told) -> None:
    """Its version went before the first piece; the next one answers."""
    with told.watch() as watch:
        with pytest.raises(BrokenAnswerError):
            next(watch.lasting(told.pieces(0, BrokenAnswerError("gone"))))
        lasting = watch.lasting(told.pieces(1))
        next(lasting)
    assert list(lasting) == []
    assert told.ends == [1]
