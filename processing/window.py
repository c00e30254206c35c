"""The part of a picture that a model sees."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """A rectangle in pixels of the picture, beyond which it may reach."""

    left: float
    top: float
    width: float
    height: float
