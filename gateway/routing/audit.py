"""The audit of routes: a JSON line for each change, appended and on the disk before the change counts."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class AuditLine(BaseModel):
    """Who changed the route of which model, when, from what to what, and why if that was said. No route is null."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    who: str
    model: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    why: str | None


def append(path: Path, line: BaseModel) -> None:
    """Adds the line whole or not at all. One caller at a time. Raises `OSError`."""
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size, content = os.fstat(opened).st_size, line.model_dump_json().encode() + b"\n"
        try:
            if os.write(opened, content) != len(content):
                raise OSError(f"{path} took only a part of the line")
            os.fsync(opened)
        except OSError:
            os.ftruncate(opened, size)
            raise
    finally:
        os.close(opened)
