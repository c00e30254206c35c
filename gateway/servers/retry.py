"""What may be tried a second time, on another server."""

from gateway.errors import (
    BrokenAnswerError,
    DeadlineError,
    GatewayError,
    ModelServerBusyError,
    ModelServerDownError,
    VersionGoneError,
)
from store.manifest import KEEPING_SIGNATURES


def is_idempotent(signature: str) -> bool:
    """Whether asking it again, or elsewhere, gives the same answer: elsewhere nothing is kept of what came before."""
    return signature not in KEEPING_SIGNATURES


def may_go_elsewhere(error: GatewayError, signature: str) -> bool:
    """Whether another server may answer what failed here.

    A server that refused, or has not the version, has not begun. One that went away or answered nonsense perhaps has,
    which only matters to signatures that keep something. Where the time is up there is none for another.
    """
    match error:
        case ModelServerBusyError() | VersionGoneError():
            return True
        case ModelServerDownError() | BrokenAnswerError():
            return is_idempotent(signature)
        case _:
            return False


def is_failure(error: GatewayError) -> bool | None:
    """Whether it speaks against the server; None if it says nothing of it: a caller left, a version was unloaded, it
    was refused for overload."""
    match error:
        case ModelServerDownError() | BrokenAnswerError() | DeadlineError():
            return True
        case _:
            return None
