"""What the log says of refusals that are not the caller's fault."""

import logging

from gateway.errors import NotOfferedError, UnavailableError, UnexplainedError
from gateway.refusals import Refusal

_log = logging.getLogger(__name__)

# That the model server is away is told once, by those that follow it; what is not there, to who asks.
_TOLD_ELSEWHERE = (UnavailableError, UnexplainedError, NotOfferedError)


def log_failure(refused: Refusal) -> None:
    """What the caller is not told: of an unknown failure the traceback, of the model server's its own words."""
    error, request_id = refused.error, refused.request_id
    if refused.internal:
        _log.error("request %s failed", request_id, exc_info=error)
    elif refused.status >= 500:
        level = logging.DEBUG if isinstance(error, _TOLD_ELSEWHERE) else logging.WARNING
        _log.log(level, "request %s: %s (%s)", request_id, error, error.__cause__ or "the gateway's own verdict")
