"""Which server takes the next request."""

from collections.abc import Sequence


def least(outstanding: Sequence[int], turn: int) -> int:
    """The place of the smallest number; among equals they take turns. A slow server has more outstanding, so it gets
    fewer requests, in proportion to its speed.
    """
    fewest = min(outstanding)
    equals = [place for place, count in enumerate(outstanding) if count == fewest]
    return equals[turn % len(equals)]
