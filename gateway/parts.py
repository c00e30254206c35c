"""What the dialects share of one gateway."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.admission import Admission
from gateway.backend import Backend
from gateway.captures.captures import Captures
from gateway.captures.folder import Bounds
from gateway.captures.metrics import CaptureMetrics
from gateway.card import Cards
from gateway.direct import Direct
from gateway.galleries.galleries import Galleries
from gateway.pipeline import Pipeline
from gateway.registry import Registry
from gateway.routing.book import Book
from gateway.routing.metrics import RoutingMetrics
from gateway.routing.router import Router
from gateway.server import shared_folder
from gateway.servers.estate import Estate
from gateway.servers.metrics import ServerMetrics
from gateway.settings import GatewaySettings
from gateway.telemetry import Telemetry

_STEPS_APART_S = 0.01  # of texts that are generated: measured, see docs/decisions/0015


@dataclass(frozen=True)
class Parts:
    """Put together once, safe to share between threads. `openapi` describes all dialects."""

    settings: GatewaySettings
    registry: Registry
    backend: Backend
    pipeline: Pipeline
    direct: Direct
    admission: Admission
    streams: Admission
    cards: Cards
    telemetry: Telemetry
    router: Router
    galleries: Galleries
    captures: Captures
    openapi: Callable[[], Mapping[str, Any]]

    @classmethod
    def of(
        cls,
        settings: GatewaySettings,
        backend: Backend,
        registry: Registry,
        book: Book,
        openapi: Callable[[], Mapping[str, Any]],
    ) -> "Parts":
        telemetry = Telemetry(registry.models, ServerMetrics(backend))
        shared = shared_folder()
        router = Router(book, registry, backend, settings, metrics=RoutingMetrics(telemetry.registry), shared=shared)
        admission = Admission(settings.requests, settings.threads, telemetry.waiting)
        streams = Admission(
            settings.streams,
            settings.steps,
            telemetry.steps_waiting,
            apart_s=_STEPS_APART_S,
            behind=admission.idle,
        )
        telemetry.follow(inside=lambda: admission.taken, streams=lambda: streams.taken)
        captures = Captures(
            settings.state / "captures",
            Bounds(settings.capture_bytes, timedelta(days=settings.capture_days)),
            CaptureMetrics(telemetry.registry),
        )
        pipeline = Pipeline(
            router, registry, backend, streams=streams, captures=captures, estate=Estate(shared), settings=settings
        )
        return cls(
            settings=settings,
            registry=registry,
            backend=backend,
            pipeline=pipeline,
            direct=Direct(pipeline, backend, settings.limits),
            admission=admission,
            streams=streams,
            cards=Cards(pipeline, backend),
            telemetry=telemetry,
            router=router,
            galleries=Galleries(settings),
            captures=captures,
            openapi=openapi,
        )

    def longest_wait_s(self) -> float:
        """For how long the body that has been waited for longest has been, 0 if none is."""
        return max(self.admission.longest_wait_s(), self.streams.longest_wait_s())
