"""An OpenTelemetry collector for tests: takes spans over OTLP's gRPC and keeps them."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as messages
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as service

from tests.support.processes import until


def facts_of(span: Any) -> dict[str, str | int]:
    """A span's attributes."""
    return {fact.key: getattr(fact.value, fact.value.WhichOneof("value")) for fact in span.attributes}


class Collector(service.TraceServiceServicer):
    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []  # the service's name and its span
        self._server = grpc.server(ThreadPoolExecutor(2))
        service.add_TraceServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]  # it has no types
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def Export(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 (the protocol's name)
        for resource in request.resource_spans:
            facts = {fact.key: fact.value.string_value for fact in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(facts["service.name"], span) for span in scope.spans]
        return messages.ExportTraceServiceResponse()

    def named(self, name: str) -> list[tuple[str, Any]]:
        return [(service, span) for service, span in self.spans if span.name == name]

    def of(self, trace_id: str) -> defaultdict[str, list[Any]]:
        """The spans of a trace so far, by name."""
        found = defaultdict(list)
        for _, span in list(self.spans):
            if span.trace_id.hex() == trace_id:
                found[span.name].append(span)
        return found

    def wait_for(self, trace_id: str, *names: str) -> defaultdict[str, list[Any]]:
        """The same, once spans of these names are there."""
        until(lambda: set(names) <= self.of(trace_id).keys(), f"spans {names}")
        return self.of(trace_id)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(0).wait()
