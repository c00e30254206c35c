"""What is in galleries, as it is told: pictures and people, and which of them were found."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Picture:
    """What is told of one. `has_thumbnail`, `has_picture`: whether these are kept."""

    id: str
    enrolled_s: float
    metadata: dict[str, Any]
    has_thumbnail: bool
    has_picture: bool


@dataclass(frozen=True)
class Match:
    """`similarity`: the cosine of its vector and the one that was asked for, −1…1."""

    picture: Picture
    similarity: float


@dataclass(frozen=True)
class Known:
    """What is known of a person beside the faces. `consent` is a note of what the person agreed to, when and how."""

    name: str
    consent: str
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Person:
    """`id` was drawn by lot. The times are seconds since 1970."""

    id: str
    known: Known
    faces: int
    enrolled_s: float
    expires_s: float


@dataclass(frozen=True)
class Candidate:
    """`distance`: of the nearest of the person's faces."""

    person: Person
    distance: float
