"""An answer in pieces, before any dialect has worded them."""

from collections.abc import Callable, Generator, Iterator
from typing import Any

from gateway.errors import CutShortError, VersionGoneError

Pieces = Generator[Any, None, None]


class Stream:
    """An answer that is made while it is sent: an iterator over its pieces, the first of which is made at once.

    `inputs` are what the task's `preprocess` made of the request. Close it, and the work ends.
    """

    def __init__(self, inputs: Any, pieces: Pieces) -> None:
        self.inputs = inputs
        self._first = [next(pieces)]
        self._rest = pieces

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        """Raises `CutShortError` when the version goes, and whatever else the task does."""
        if self._first:
            return self._first.pop()
        try:
            return next(self._rest)
        except VersionGoneError as exc:
            raise CutShortError from exc

    def close(self) -> None:
        self._rest.close()


def followed(pieces: Pieces, ended: Callable[[list[Any], bool], None]) -> Pieces:
    """The pieces; `ended` is told those that were made, and whether these are all, whenever there are no more."""
    told: list[Any] = []
    whole = False
    try:
        for piece in pieces:
            told.append(piece)
            yield piece
        whole = True
    finally:
        pieces.close()
        ended(told, whole)
