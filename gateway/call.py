"""What a request says beside its body."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.deadline import Deadline
from gateway.model import Wanted
from gateway.trace import Trace
from processing.masking import Masker


def _no_header(_name: str) -> None:
    return None


@dataclass(frozen=True)
class Call:
    """Whom a request asks, and how it may be answered. Belongs to the thread that answers it.

    `wanted` is the version that the caller chose, if any; `digest` the one that the answering version must
    have, if any. `header` looks up a header or what the protocol has instead. `masks`: what texts go through before
    any model reads them.
    """

    model: str
    trace: Trace
    deadline: Deadline
    wanted: Wanted = None
    digest: str | None = None
    header: Callable[[str], str | None] = _no_header
    masks: tuple[Masker, ...] = ()
