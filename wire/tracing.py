"""Traces in OpenTelemetry: spans sent to a collector over OTLP, and their context in gRPC metadata (W3C `traceparent`).

Nothing of OpenTelemetry is imported before somebody wants a trace.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

Metadata = tuple[tuple[str, str], ...]

_END_S = 2.0  # at the end, for a collector that does not answer


class Tracing:
    """Spans of one process. Safe to share between threads; a collector that is away delays nobody."""

    def __init__(self, service: str, endpoint: str) -> None:
        """
        Args:
            service: the name of this process in the traces, e.g. `kmaas-gateway`.
            endpoint: of a collector that takes OTLP over gRPC: `http://host:4317`, or `https://…` for TLS.
        """
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("kmaas")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(
        self, name: str, kind: Literal["SERVER", "CLIENT", "INTERNAL"], carrier: Mapping[str, str] | None = None
    ) -> Iterator["Span"]:
        """A span of what this thread does meanwhile, in the trace that the `carrier` names, else in the current one."""
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(name, self._context(carrier), SpanKind[kind]) as span:
            yield span

    def begin(self, name: str, kind: Literal["SERVER"], carrier: Mapping[str, str]) -> "Span":
        """A span as of `span`, for whoever ends it: until then see `within`."""
        from opentelemetry.trace import SpanKind

        return self._tracer.start_span(name, self._context(carrier), SpanKind[kind])

    @contextmanager
    def within(self, span: "Span") -> Iterator[None]:
        """What this thread does meanwhile belongs to the span, which neither ends nor fails with it."""
        from opentelemetry.trace import use_span

        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield

    def _context(self, carrier: Mapping[str, str] | None) -> "Context | None":
        return None if carrier is None else self._propagator.extract(carrier)

    def metadata(self) -> Metadata:
        """What tells the called one the current span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return tuple(carrier.items())

    def close(self) -> None:
        """Sends what waits, for a short time."""
        self._provider.force_flush(int(_END_S * 1000))
        self._provider.shutdown()


def fail(span: "Span", why: str) -> None:
    """Marks a span as failed. `why` is the kind of error, one of few."""
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", why)
    span.set_status(StatusCode.ERROR)
