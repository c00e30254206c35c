"""Traces in OpenTelemetry: spans sent to a collector over OTLP, and their context in gRPC metadata (W3C `traceparent`).

Nothing of OpenTelemetry is imported before somebody wants a trace.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
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

        context = None if carrier is None else self._propagator.extract(carrier)
        with self._tracer.start_as_current_span(name, context, SpanKind[kind]) as span:
            yield span

    def metadata(self) -> Metadata:
        """What tells the called one the current span."""
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return tuple(carrier.items())

    def close(self) -> None:
        """Sends what waits, for a short time."""
        self._provider.force_flush(int(_END_S * 1000))
        self._provider.shutdown()
