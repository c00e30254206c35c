"""What was changed of routes at run time, on the disk: `routes.json`, and the audit of how it came to be."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gateway.errors import StateError
from gateway.routing.audit import AuditLine, append
from gateway.routing.route import Route
from store.disk import locked, rewrite, sync

_FILE, _AUDIT = "routes.json", "routes.audit.jsonl"


class Entry(BaseModel):
    """The route that a model has since it was changed, None for none; and the one of the settings at that time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    route: Route | None
    configured: Route | None
    at: datetime
    who: str


Entries = Mapping[str, Entry]
_ENTRIES = TypeAdapter(dict[str, Entry])


class State:
    """A folder that the workers of a gateway share. One may change it at a time, and readers see it before or after."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def signature(self) -> object:
        """Another one after every change."""
        try:
            found = (self._folder / _FILE).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    def read(self) -> Entries:
        """Raises `StateError` for a file that is not what we wrote."""
        try:
            content = (self._folder / _FILE).read_bytes()
        except FileNotFoundError:
            return {}
        except OSError as exc:
            raise StateError(self._folder, exc.strerror or str(exc)) from exc
        try:
            return _ENTRIES.validate_json(content)
        except ValidationError as exc:
            first = exc.errors()[0]
            raise StateError(self._folder, f"{_FILE} is damaged: {first['msg']}") from exc

    @contextmanager
    def changing(self) -> Iterator[None]:
        """While nobody else changes it. Raises `StateError` where the folder cannot be had."""
        with ExitStack() as held:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                held.enter_context(locked(self._folder))
            except OSError as exc:
                raise StateError(self._folder, exc.strerror or str(exc)) from exc
            yield

    def write(self, entries: Entries, line: AuditLine) -> None:
        """Keeps the entries, and the line of what changed. Raises `StateError`: then all is as it was before."""
        path = self._folder / _FILE
        partial = path.with_name(f".{_FILE}.partial")
        try:
            rewrite(partial, _ENTRIES.dump_json(dict(entries), exclude_defaults=True, indent=1))
            append(self._folder / _AUDIT, line)
            partial.replace(path)
            sync(self._folder)
        except OSError as exc:
            raise StateError(self._folder, exc.strerror or str(exc)) from exc
