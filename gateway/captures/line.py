"""A captured call as a line of JSON. Pure. Private data in texts is masked, pictures and recordings are not in it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

Mask = Callable[[str], str]


def line_of(facts: Mapping[str, Any], at: datetime, request: BaseModel, answer: Any, mask: Mask) -> bytes:
    """With its end. `facts` are the gateway's own, written as they are; `answer` is what the task tells of it.

    Of bytes, which may show a face or have a voice in them, only the number and the SHA-256 are told. Fields of the
    request that are null are left out.
    """
    document = {
        "time": at.isoformat(timespec="milliseconds"),
        **facts,
        "request": _masked(request.model_dump(exclude_none=True), mask),
        "answer": _masked(answer, mask),
    }
    return json.dumps(document).encode() + b"\n"


def _masked(value: Any, mask: Mask) -> Any:
    match value:
        case str():
            return mask(value)
        case bytes():
            return {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
        case Mapping():
            return {mask(name): _masked(part, mask) for name, part in value.items()}
        case list() | tuple():
            return [_masked(part, mask) for part in value]
        case _:
            return value
