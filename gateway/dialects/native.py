"""The gateway's own routes: which models there are, how it is, what it can do."""

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from gateway.card import Cards
from gateway.catalog import ModelList, detail, summary
from gateway.deadline import Deadline
from gateway.dialects import exchange
from gateway.errors import NotReadyError
from gateway.openapi import document
from gateway.registry import Registry
from gateway.settings import GatewaySettings
from gateway.telemetry import Telemetry

_HTML, _MARKDOWN = "text/html", "text/markdown"
_CARD_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}


def native(registry: Registry, cards: Cards, telemetry: Telemetry, settings: GatewaySettings) -> Blueprint:
    routes = Blueprint("native", __name__)
    openapi = document()

    @routes.get("/models")
    def models() -> Response:
        listed = ModelList(models=[summary(name, model.view) for name, model in registry.models().items()])
        return exchange.json(listed.model_dump(mode="json"))

    @routes.get("/models/<model>")
    def one_model(model: str) -> Response:
        found = registry.model(model, Deadline.after(settings.deadline_s))
        return exchange.json(detail(found.name, found.view).model_dump(mode="json"))

    @routes.get("/models/<model>/card")
    def card(model: str) -> Response:
        deadline = Deadline.after(settings.deadline_s)
        found = cards.of(registry.model(model, deadline), exchange.trace(), deadline)
        media_type = request.accept_mimetypes.best_match([_HTML, _MARKDOWN], default=_HTML)
        text = found.markdown if media_type == _MARKDOWN else found.page
        return Response(text, content_type=f"{media_type}; charset=utf-8", headers=_CARD_HEADERS)

    @routes.get("/healthz")
    def healthz() -> Response:
        return exchange.json({"alive": True})

    @routes.get("/readyz")
    def readyz() -> Response:
        reasons = registry.unready()
        if reasons:
            raise NotReadyError(reasons)
        return exchange.json({"ready": True})

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(telemetry.exposition(), content_type=CONTENT_TYPE_LATEST)

    @routes.get("/openapi.json")
    def openapi_json() -> Response:
        return exchange.json(openapi)

    return routes
