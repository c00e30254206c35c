"""The audit of galleries: a JSON line before each change, and before anybody is looked for. No names, no pictures."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gateway.errors import StateError
from gateway.galleries.gallery import Clock
from gateway.routing.audit import append
from store.disk import locked

FILE = "galleries.audit.jsonl"  # in the folder `state`


class GalleryLine(BaseModel):
    """Who does what to which person of which gallery; null where it is nobody in particular."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    who: str
    does: str
    gallery: str
    person: str | None
    request: str | None


class Audit:
    """Safe to share between threads, and between the workers of a gateway."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def note(self, who: str, does: str, gallery: str, person: str | None = None, *, request: str | None = None) -> None:
        """Returns when it is on the disk. Raises `StateError`: then nothing is to be done."""
        at = datetime.fromtimestamp(self._clock(), UTC)
        line = GalleryLine(at=at, who=who, does=does, gallery=gallery, person=person, request=request)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with locked(self._folder):
                append(self._folder / FILE, line)
        except OSError as exc:
            raise StateError(self._folder, exc.strerror or str(exc)) from exc
