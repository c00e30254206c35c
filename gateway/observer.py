"""What is kept of every request, whatever becomes of it: headers, metrics, a trace, a line of the access log."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from flask import Response, g, request

from gateway import heads
from gateway.access_log import AccessLog
from gateway.dialects import exchange
from gateway.dialects.table import dialect_of
from gateway.telemetry import Telemetry
from gateway.trace import Trace, sane_request_id
from wire.tracing import Tracing

_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})


class Observer:
    """Stands around every request, in the thread that answers it. Owns its parts.

    Flask calls `begin`, `end` and `forget`; others are `watched`.
    """

    def __init__(self, telemetry: Telemetry, tracing: Tracing | None, access_log: AccessLog | None) -> None:
        self._telemetry = telemetry
        self._tracing = tracing
        self._access_log = access_log

    @contextmanager
    def watched(self, request_id: str, name: str, carrier: Mapping[str, str]) -> Iterator[Trace]:
        """A request that is not Flask's: call `ended` once its answer is known. `carrier` may name a trace."""
        trace = Trace(request_id, tracing=self._tracing)
        with ExitStack() as spans:
            if self._tracing:
                trace.span = spans.enter_context(self._tracing.span(name, "SERVER", carrier))
            self._telemetry.begin()
            yield trace

    def ended(
        self,
        trace: Trace,
        *,
        client: str | None,
        method: str,
        path: str,
        dialect: str,
        status: int,
        bytes_out: int | None,
    ) -> None:
        """`status` is HTTP's, whatever the request came by."""
        _mark(trace, status)
        self._telemetry.end(trace, dialect, status)
        if self._access_log:
            self._access_log.write(
                trace, client=client, method=method, path=path, dialect=dialect, status=status, bytes_out=bytes_out
            )

    def begin(self) -> None:
        offered = exchange.asked().headers.get("X-Request-Id")
        trace = g.trace = Trace(sane_request_id(offered), tracing=self._tracing)
        if self._tracing:
            carrier = {name.lower(): value for name, value in request.headers}
            name, facts = _named()
            trace.span = self._tracing.begin(name, "SERVER", carrier)
            trace.span.set_attributes(facts)
            g.within = ExitStack()
            g.within.enter_context(trace.within())
        self._telemetry.begin()

    def end(self, response: Response) -> Response:
        """The answer with its headers. A streamed one ends when its last piece was sent, or nobody wants more."""
        trace, asked = exchange.trace(), exchange.asked()
        heads.tell(asked.environ, *_headers(trace))
        dialect = dialect_of(asked.blueprint, asked.path).name
        client, method, path = asked.remote_addr, asked.method, asked.path
        streamed = response.is_streamed and not response.direct_passthrough  # that one, a file, would not tell its end
        length = None if streamed else response.content_length

        def ended() -> None:
            self.ended(
                trace,
                client=client,
                method=method,
                path=path,
                dialect=dialect,
                status=response.status_code,
                bytes_out=length,
            )
            if trace.span:
                trace.span.set_attribute("http.response.status_code", response.status_code)
                trace.span.end()

        if streamed:
            response.call_on_close(ended)
        else:
            ended()
        return response

    def forget(self, _error: BaseException | None) -> None:
        """The thread that began the request's span leaves it. It has ended with the answer, or does with the stream."""
        within: ExitStack | None = g.pop("within", None) if self._tracing else None
        if within is not None:
            within.close()

    def close(self) -> None:
        self._telemetry.close()
        if self._access_log:
            self._access_log.close()
        if self._tracing:
            self._tracing.close()


def _headers(trace: Trace) -> Iterator[tuple[str, str]]:
    yield "X-Request-Id", trace.request_id
    if trace.stages:
        yield "Server-Timing", trace.server_timing()
    if trace.model:
        yield "X-Model", trace.model
    if trace.version:
        yield "X-Model-Version", str(trace.version.number)
        yield "X-Model-Digest", trace.version.manifest.digest
    if trace.unknown_language:
        yield "X-Model-Warning", trace.unknown_language.header()


def _mark(trace: Trace, status: int) -> None:
    """Its span with what is known at the end."""
    if trace.span is None:
        return
    facts = {"kmaas.request_id": trace.request_id, "kmaas.model": trace.model or ""}
    if trace.version:
        facts["kmaas.version"] = str(trace.version.number)
    trace.span.set_attributes(facts)
    trace.ended_with(status, str(status))


def _named() -> tuple[str, dict[str, str]]:
    """A span's name and what is known at its begin, in OpenTelemetry's conventions: never what the caller wrote."""
    method, rule = request.method, request.url_rule
    known = method in _METHODS
    facts = {"http.request.method": method if known else "_OTHER"} | ({"http.route": rule.rule} if rule else {})
    return f"{method if known else 'HTTP'} {rule.rule if rule else '(no route)'}", facts
