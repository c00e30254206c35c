"""What every dialect does with Flask: the body within its limit, JSON out, the trace of the request."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from flask import Request, Response, g, request
from werkzeug.datastructures import Headers

from gateway import sse
from gateway.call import Call
from gateway.deadline import Deadline
from gateway.errors import BusyError, EncodedBodyError, OverLimitError, SlowBodyError
from gateway.failures import log_failure
from gateway.model import Wanted
from gateway.parts import Parts
from gateway.place import Place, Source
from gateway.problems import MEDIA_TYPE, Problem
from gateway.refusals import Refusal, refusal
from gateway.stream import Stream
from gateway.trace import Trace

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_LINGER_BYTES = 64 * 2**20


def asked() -> Request:
    """The request being answered, itself: each look at it through Flask's `request` finds it anew."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 (werkzeug's own way)
    return found


def trace() -> Trace:
    """The trace of the request being answered, begun by `gateway.app`."""
    found: Trace = g._get_current_object().trace  # noqa: SLF001  # as above
    return found


def call(model: str, deadline: Deadline, wanted: Wanted = None) -> Call:
    """What the request says beside its body, and whom it asks."""
    headers = request.headers
    return Call(model, trace(), deadline, wanted, digest=headers.get("X-Model-Digest"), header=headers.get)


def named(parts: Parts, model: str, deadline: Deadline) -> Call:
    """As `call`, where nothing but the body names the model: it was read within the gateway's limit, not its route's.

    Raises:
        OverLimitError: more bytes than that allows.
    """
    limit_bytes, read_bytes = parts.router.limits(model).body_bytes, trace().bytes_in
    if read_bytes > limit_bytes:
        raise OverLimitError("bytes of body", read_bytes, limit_bytes, "body_bytes")
    return call(model, deadline)


@contextmanager
def received(
    parts: Parts, model: str | None = None, encodings: Collection[str] = ()
) -> Iterator[tuple[Deadline, bytes]]:
    """The request's body within its limit, and the time there is, while it is its turn to be worked on.

    Args:
        model: whose route may have a limit of its own, where that is known before the body; else see `named`.
        encodings: those that whoever asks decodes, within a limit of its own.

    Raises:
        BusyError, OverLimitError, SlowBodyError, TruncatedBodyError, EncodedBodyError, DeadlineError: it is not let in.
    """
    deadline = Deadline.after(parts.settings.deadline_s)
    with parts.admission.place() as place:
        content = _received_body(parts, model, place, deadline, encodings)
        with ExitStack() as turn:
            with trace().stage("queue"):
                turn.enter_context(parts.admission.work(deadline))
            yield deadline, content


def _received_body(
    parts: Parts, model: str | None, place: Place, deadline: Deadline, encodings: Collection[str] = ()
) -> bytes:
    noted = trace()
    with noted.stage("receive"):
        content = body(place, parts.router.limits(model).body_bytes, deadline, encodings)
    noted.bytes_in = len(content)
    return content


@dataclass(frozen=True)
class Turn:
    """The body of a request whose answer may take long, and the time there is to begin with it.

    `held` is its place among the streams, which `stream` takes over.
    """

    deadline: Deadline
    body: bytes
    held: ExitStack


@contextmanager
def generating(parts: Parts, model: str | None = None) -> Iterator[Turn]:
    """As `received`, for answers that are made step by step: those wait for the model server more than they work.

    Raises:
        BusyError, OverLimitError, SlowBodyError, TruncatedBodyError, EncodedBodyError: it is not let in.
    """
    deadline = Deadline.after(parts.settings.deadline_s)
    with ExitStack() as held:
        place = held.enter_context(parts.streams.place())
        yield Turn(deadline, _received_body(parts, model, place, deadline), held)


def stream(
    parts: Parts,
    pieces: Stream,
    events: Iterable[bytes | None],
    failed: Callable[[Refusal], bytes],
    held: ExitStack | None = None,
) -> Response:
    """An answer in server-sent events. It keeps its place, `held` or a new one, until it has ended or the caller left.

    Args:
        events: what is told of `pieces`, None for one of which nothing is.
        failed: the event that tells of an error, which is the last one.

    Raises:
        BusyError: none was held, and every place is taken.
    """
    with ExitStack() as ended:
        ended.callback(pieces.close)
        if held is None:
            ended.enter_context(parts.streams.place())
        else:
            ended.push(held.pop_all())
        noted = trace()
        lively = noted.continued(sse.alive(_told(events, failed, noted), parts.settings.heartbeat_s))
        response = Response(lively, content_type=f"{sse.MEDIA_TYPE}; charset=utf-8", headers=sse.HEADERS)
        response.call_on_close(partial(_close, ended.pop_all(), noted))
        return response


def _close(ended: ExitStack, noted: Trace) -> None:
    with noted.within():
        ended.close()


def _told(events: Iterable[bytes | None], failed: Callable[[Refusal], bytes], noted: Trace) -> Iterator[bytes | None]:
    try:
        yield from events
    except Exception as exc:  # the status is said: the event is all that can tell of it
        refused = refusal(exc, noted.request_id)
        log_failure(refused)
        noted.ended_with(refused.status, refused.slug)
        yield failed(refused)


def body(place: Place, limit_bytes: int, deadline: Deadline, encodings: Collection[str] = ()) -> bytes:
    """The request's body. One that announces too much is not kept; one that announces nothing is cut at the limit.

    An encoded one is refused, but for `encodings`: a few bytes may decode to gigabytes.

    Raises:
        EncodedBodyError: it is encoded.
        OverLimitError: more bytes than `limit_bytes`.
        SlowBodyError, TruncatedBodyError: it did not arrive, or not whole.
    """
    sent = asked()
    announced = sent.content_length
    encoding = sent.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity", *encodings):
        _discard_rest(place, deadline)
        raise EncodedBodyError(encoding, (*encodings, "identity"))
    if announced is not None and announced > limit_bytes:
        _discard_rest(place, deadline)
        raise OverLimitError("bytes of body", announced, limit_bytes, "body_bytes")
    source: Source = sent.environ["wsgi.input"]
    received = place.receive(source, announced=announced, limit_bytes=limit_bytes, limit_s=deadline.limit_s)
    if len(received) > limit_bytes:
        _discard_rest(place, deadline)
        raise OverLimitError("bytes of body", None, limit_bytes, "body_bytes")
    return received


def let_finish(parts: Parts) -> None:
    """Before the answer to a request that was refused without a look at its body: see `_discard_rest`.

    Nothing is done where there is no place for it.
    """
    sent = asked()
    if "receive" in trace().stages or not (sent.content_length or "Transfer-Encoding" in sent.headers):
        return
    with suppress(BusyError, SlowBodyError), parts.admission.place() as place:
        _discard_rest(place, Deadline.after(parts.settings.deadline_s))


def _discard_rest(place: Place, deadline: Deadline) -> None:
    """Lets the caller finish, within bounds: most clients read the answer only then, else they see a broken pipe.

    One that asked (`Expect: 100-continue`) waits for the answer before it sends anything.
    """
    if "Expect" not in request.headers:
        place.discard(request.environ["wsgi.input"], most_bytes=_LINGER_BYTES, limit_s=deadline.limit_s)


def json(document: Any, *, status: int = 200, media_type: str = "application/json") -> Response:
    """Numbers that JSON does not have (NaN, infinities) go as null."""
    return _Whole(orjson.dumps(document), status=status, content_type=media_type)


class _Whole(Response):
    """An answer whose head says all from the beginning: werkzeug need not look whether it does."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:  # noqa: ARG002  # as werkzeug asks
        return self.headers


def problem(refusal: Refusal) -> Response:
    """A refusal as problem details."""
    document = Problem.of(refusal).model_dump(exclude_none=True)
    return json(document, status=refusal.status, media_type=MEDIA_TYPE)
