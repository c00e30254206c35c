"""The captured calls of one model on the disk: files of lines, the oldest of which are erased."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from store.disk import locked

_PARTS = 8  # files that share the bytes and the days
_BEGUN = "%Y%m%dT%H%M%S.%fZ"
_END = ".jsonl"


@dataclass(frozen=True)
class Bounds:
    """How many bytes are kept of a model, and how long a line is. Of both at least seven eighths."""

    most: int
    age: timedelta

    @property
    def part_bytes(self) -> int:
        return self.most // _PARTS

    @property
    def part_age(self) -> timedelta:
        return self.age / _PARTS


class CaptureFolder:
    """Nobody but its owner may read it. The workers of a gateway write to it, one at a time."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        self._path = path
        self._bounds = bounds

    @classmethod
    def of(cls, root: Path, model: str, bounds: Bounds) -> "CaptureFolder":
        """The model's in the folder of all, by its name, quoted as in a URL."""
        name = quote(model, safe="")
        return cls(root / (f"%2E{name[1:]}" if name.startswith(".") else name), bounds)

    def append(self, line: bytes, now: datetime) -> bool:
        """False: the line is longer than a file may be. Raises `OSError`, and nothing of the line is written."""
        if len(line) > self._bounds.part_bytes:
            return False
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._path):
            begun, last = max(self._files(), default=(now, None))
            if last is None or last.stat().st_size + len(line) > self._bounds.part_bytes or self._closed(begun, now):
                last = self._path / f"{now.astimezone(UTC):{_BEGUN}}{_END}"
            _append(last, line)
            self._erase(now)
        return True

    def erase_old(self, now: datetime) -> None:
        """Erases what is older than it may be. Raises `OSError`."""
        with locked(self._path):
            self._erase(now)

    def _closed(self, begun: datetime, now: datetime) -> bool:
        """Where the clock was put back a new file is begun as well: it would be erased too late."""
        return not begun <= now < begun + self._bounds.part_age

    def _erase(self, now: datetime) -> None:
        kept = 0
        for begun, path in sorted(self._files(), reverse=True):
            kept += path.stat().st_size
            if kept > self._bounds.most or now > begun + self._bounds.age:
                path.unlink()

    def _files(self) -> list[tuple[datetime, Path]]:
        """With the time that each was begun at. What others put there is left alone."""
        found = []
        for path in self._path.glob(f"*{_END}"):
            try:
                begun = datetime.strptime(path.name.removesuffix(_END), _BEGUN)
            except ValueError:
                continue
            found.append((begun.replace(tzinfo=UTC), path))
        return found


def folders(root: Path, bounds: Bounds) -> list[CaptureFolder]:
    """Those of all models of which anything is kept."""
    return [CaptureFolder(path, bounds) for path in root.iterdir() if path.is_dir()] if root.is_dir() else []


def _append(path: Path, line: bytes) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        before = os.fstat(opened).st_size
        try:
            written = os.write(opened, line)
            if written < len(line):
                raise OSError(f"{written} of {len(line)} bytes of the line were written")
        except OSError:
            os.ftruncate(opened, before)
            raise
    finally:
        os.close(opened)
