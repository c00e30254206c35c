"""Errors to refusals: one table of status codes, which every dialect words in its own way."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway import errors
from gateway.galleries import errors as gallery_errors
from processing.errors import DecoderError, TooLargeError, UnreadableInputError, UnusableInputError
from wire.errors import RestError


@dataclass(frozen=True)
class _Kind:
    status: int
    slug: str
    error_type: str  # the names Hugging Face's clients know where they have one


_INTERNAL = _Kind(500, "internal", "generation")

_TABLE: dict[type[Exception], _Kind] = {
    UnreadableInputError: _Kind(400, "unreadable-input", "validation"),
    errors.MalformedBodyError: _Kind(400, "malformed-body", "validation"),
    errors.InvalidTensorsError: _Kind(400, "invalid-tensors", "validation"),
    RestError: _Kind(400, "rejected", "validation"),
    errors.RejectedError: _Kind(400, "rejected", "validation"),
    errors.UnsupportedError: _Kind(400, "unsupported-parameter", "validation"),
    errors.TaskError: _Kind(400, "wrong-task", "validation"),
    errors.TokenError: _Kind(401, "token", "validation"),
    errors.ChoiceError: _Kind(403, "choice", "validation"),
    errors.HostError: _Kind(403, "host", "validation"),
    errors.OriginError: _Kind(403, "origin", "validation"),
    errors.UnseenTextError: _Kind(403, "unseen-text", "validation"),
    errors.UnknownModelError: _Kind(404, "unknown-model", "not_found"),
    errors.UnknownVersionError: _Kind(404, "unknown-version", "not_found"),
    errors.NoCardError: _Kind(404, "no-card", "not_found"),
    errors.UnknownRouteError: _Kind(404, "unknown-route", "not_found"),
    gallery_errors.UnknownGalleryError: _Kind(404, "unknown-gallery", "not_found"),
    gallery_errors.UnknownEntryError: _Kind(404, "unknown-entry", "not_found"),
    errors.MethodError: _Kind(405, "method", "not_found"),
    errors.SlowBodyError: _Kind(408, "slow-body", "timeout"),
    gallery_errors.GalleryExistsError: _Kind(409, "gallery-exists", "validation"),
    gallery_errors.GalleryKindError: _Kind(409, "gallery-kind", "validation"),
    gallery_errors.GalleryVersionError: _Kind(409, "gallery-version", "validation"),
    errors.DigestError: _Kind(412, "digest", "validation"),
    DecoderError: _Kind(503, "busy", "overloaded"),
    TooLargeError: _Kind(413, "over-limit", "validation"),
    errors.OverLimitError: _Kind(413, "over-limit", "validation"),
    errors.MediaTypeError: _Kind(415, "media-type", "validation"),
    errors.EncodedBodyError: _Kind(415, "content-encoding", "validation"),
    UnusableInputError: _Kind(422, "invalid-request", "validation"),
    errors.InvalidRequestError: _Kind(422, "invalid-request", "validation"),
    errors.NoFaceError: _Kind(422, "no-face", "validation"),
    errors.SeveralFacesError: _Kind(422, "several-faces", "validation"),
    errors.SmallFaceError: _Kind(422, "small-face", "validation"),
    errors.BlurredFaceError: _Kind(422, "blurred-face", "validation"),
    errors.OtherFaceError: _Kind(422, "other-face", "validation"),
    errors.ContextError: _Kind(422, "context-length", "validation"),
    errors.CallerLeftError: _Kind(499, "caller-left", "timeout"),  # for the log: nobody reads it
    errors.UnexplainedError: _Kind(501, "unexplained", "validation"),
    errors.NotOfferedError: _Kind(501, "not-offered", "not_found"),
    errors.BrokenAnswerError: _Kind(502, "broken-answer", "generation"),
    errors.BusyError: _Kind(503, "busy", "overloaded"),
    errors.FullError: _Kind(503, "busy", "overloaded"),
    errors.LongQueueError: _Kind(503, "busy", "overloaded"),
    errors.ModelServerDownError: _Kind(503, "model-server-down", "overloaded"),
    errors.ModelServerBusyError: _Kind(503, "model-server-busy", "overloaded"),
    errors.OpeningError: _Kind(503, "opening", "overloaded"),
    errors.NoSlotError: _Kind(503, "no-slot", "overloaded"),
    gallery_errors.GalleriesDownError: _Kind(503, "galleries-down", "overloaded"),
    gallery_errors.GalleryKeyError: _Kind(503, "gallery-key", "overloaded"),
    errors.CutShortError: _Kind(503, "cut-short", "incomplete_generation"),
    errors.ModelNotReadyError: _Kind(503, "model-not-ready", "overloaded"),
    errors.NotReadyError: _Kind(503, "not-ready", "overloaded"),
    errors.DeadlineError: _Kind(504, "deadline", "timeout"),
    errors.StateError: _Kind(507, "state", "generation"),
}


@dataclass(frozen=True)
class Refusal:
    """The answer to `error`, apart from its wording.

    `slug` names the kind of error, `error_type` does in Hugging Face's words. `detail` may be told to anybody.
    """

    error: Exception
    status: int
    slug: str
    error_type: str
    detail: str
    request_id: str

    @property
    def internal(self) -> bool:
        """True if the error is none we know: the log must tell what the answer does not."""
        return self.status == _INTERNAL.status

    @property
    def headers(self) -> Mapping[str, str]:
        match self.error:
            case errors.UnavailableError():
                return {"Retry-After": str(self.error.retry_after_s)}
            case DecoderError():
                return {"Retry-After": "1"}
            case errors.TokenError():
                return {"WWW-Authenticate": "Bearer"}
            case errors.MethodError():
                return {"Allow": ", ".join(self.error.allowed)}
            case errors.EncodedBodyError():
                return {"Accept-Encoding": ", ".join(self.error.accepted)}
            case _:
                return {}

    @property
    def faults(self) -> tuple[errors.Fault, ...]:
        """What is wrong with which field of the request, if that is what is wrong."""
        match self.error:
            case errors.InvalidRequestError():
                return self.error.faults
            case UnusableInputError():
                return (errors.Fault("inputs", str(self.error)),)
            case _:
                return ()


def refusal(error: Exception, request_id: str, stages: Mapping[str, float] | None = None) -> Refusal:
    """The refusal of an error. Of an unknown one nothing is told but the request's id.

    Args:
        stages: of the request until then, in seconds.
    """
    kind = next((_TABLE[cls] for cls in type(error).__mro__ if cls in _TABLE), _INTERNAL)
    unknown = f"something went wrong inside; the gateway's log tells more under the id {request_id}"
    match error:
        case _ if kind is _INTERNAL:
            detail = unknown
        case errors.DeadlineError():
            detail = error.told(stages or {})
        case _:
            detail = str(error)
    return Refusal(error, kind.status, kind.slug, kind.error_type, detail, request_id)
