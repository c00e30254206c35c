"""Goldens: requests as a client sends them, with the answers a version must give."""

import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from store.errors import ManifestError

INDEX = "index.json"

_PIXEL = 1

MOST_TOLERANCE = 1e-3
"""Of scores, which are from 0 to 1, and of logits, see `store.twin.gap`. Export asks for a tenth of it; with more than
this no comparison would mean anything, so whoever wrote it did not mean to compare."""


class Golden(BaseModel):
    """One request body, its media type, and the JSON answer the gateway must give within `tolerance` per number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    media_type: str
    body_base64: str
    expected: JsonValue
    tolerance: Annotated[float, Field(ge=0, le=MOST_TOLERANCE, allow_inf_nan=False)]

    @classmethod
    def of(cls, name: str, media_type: str, body: bytes, expected: JsonValue, tolerance: float) -> Self:
        """Raises `ManifestError` for a tolerance that is none."""
        encoded = base64.b64encode(body).decode()
        try:
            return cls(name=name, media_type=media_type, body_base64=encoded, expected=expected, tolerance=tolerance)
        except ValidationError as exc:
            raise ManifestError(f"golden {name}", str(exc)) from exc

    @property
    def body(self) -> bytes:
        try:
            return base64.b64decode(self.body_base64, validate=True)
        except binascii.Error as exc:
            raise ManifestError(f"golden {self.name}", f"body_base64 is not base64: {exc}") from exc


_GOLDENS = TypeAdapter(tuple[Golden, ...])
_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "application/json": "json"}


def dump_goldens(goldens: Sequence[Golden]) -> bytes:
    """The JSON document that the `manifest` signature carries as its section `golden`."""
    return _GOLDENS.dump_json(tuple(goldens))


def parse_goldens(document: bytes | str) -> tuple[Golden, ...]:
    try:
        return _GOLDENS.validate_json(document)
    except ValidationError as exc:
        raise ManifestError("goldens", str(exc)) from exc


def write_goldens(folder: Path, goldens: Sequence[Golden]) -> None:
    """Writes the index and, for people and other tools, each request as a file of its own kind."""
    folder.mkdir(parents=True)
    (folder / INDEX).write_bytes(dump_goldens(goldens))
    for golden in goldens:
        (folder / f"{golden.name}.{_SUFFIX.get(golden.media_type, 'bin')}").write_bytes(golden.body)


def read_goldens(folder: Path) -> tuple[Golden, ...]:
    """Raises `ManifestError` when they are missing or do not fit, and `OSError` when the disk does not say."""
    path = folder / INDEX
    try:
        document = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise ManifestError(path, exc.strerror or str(exc)) from exc
    return parse_goldens(document)


def difference(expected: JsonValue, received: JsonValue, tolerance: float, *, at: str = "answer") -> str | None:
    """What is wrong with `received`, in words, or None if every number is within `tolerance` and all else is equal.

    Lists of things with a `box` are the same in any order: two with nearly the same score may change places. A side of
    a box, which is a whole number of pixels, may be the neighbouring one, for rounding.
    """
    if isinstance(expected, bool) or isinstance(received, bool):
        return None if expected is received else f"{at}: expected {expected!r}, received {received!r}"
    if isinstance(expected, int | float) and isinstance(received, int | float):
        close = abs(expected - received) <= tolerance
        return None if close else f"{at}: expected {expected} ± {tolerance}, received {received}"
    if isinstance(expected, list) and isinstance(received, list):
        if len(expected) != len(received):
            return f"{at}: expected {len(expected)} items, received {len(received)}"
        if expected and all(map(_has_box, (*expected, *received))):
            return _unmatched(expected, received, tolerance, at)
        pairs = enumerate(zip(expected, received, strict=True))
        return next((d for i, (e, r) in pairs if (d := difference(e, r, tolerance, at=f"{at}[{i}]"))), None)
    if isinstance(expected, dict) and isinstance(received, dict):
        if expected.keys() != received.keys():
            return f"{at}: expected keys {sorted(expected)}, received {sorted(received)}"
        return next(
            (d for k in expected if (d := difference(expected[k], received[k], tolerance, at=f"{at}.{k}"))), None
        )
    return None if expected == received else f"{at}: expected {expected!r}, received {received!r}"


def _has_box(value: JsonValue) -> bool:
    return isinstance(value, dict) and isinstance(value.get("box"), dict)


def _unmatched(expected: list[JsonValue], received: list[JsonValue], tolerance: float, at: str) -> str | None:
    """The first of the expected things that has no partner of its own among those received."""
    left = list(received)
    for number, one in enumerate(expected):
        partner = next((place for place, other in enumerate(left) if _is_same(one, other, tolerance)), None)
        if partner is None:
            return f"{at}[{number}]: expected {one!r} ± {tolerance} and a pixel, received {left!r}"
        del left[partner]
    return None


def _is_same(one: Any, other: Any, tolerance: float) -> bool:
    rest, others = ({**thing, "box": None} for thing in (one, other))
    return difference(rest, others, tolerance) is None and difference(one["box"], other["box"], _PIXEL) is None
