"""The gateway's own routes: which models there are, how it is, what it can do."""

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from gateway.body import JSON
from gateway.catalog import ModelDetail, ModelList, detail, summary
from gateway.deadline import Deadline
from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.errors import NotReadyError
from gateway.openapi import CHOICE, MODEL, PIN, TEXT, Description, flag, get, json
from gateway.parts import Parts

_HTML, _MARKDOWN = "text/html", "text/markdown"
_CARD_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Vary": "Accept",
}


def _routes(routes: Blueprint, parts: Parts) -> None:
    registry, settings = parts.registry, parts.settings

    @routes.get("/models")
    def models() -> Response:
        views = registry.views().items()
        listed = ModelList(models=[summary(name, view, parts.router.status(name)) for name, view in views])
        return exchange.json(listed.model_dump(mode="json"))

    @routes.get("/models/<model>")
    def one_model(model: str) -> Response:
        deadline = Deadline.after(settings.deadline_s)
        found = registry.model(model, deadline)
        told = detail(found.name, found.looked_at(deadline), parts.router.status(found.name))
        return exchange.json(told.model_dump(mode="json"))

    @routes.get("/models/<model>/card")
    def card(model: str) -> Response:
        found = parts.cards.of(exchange.call(model, Deadline.after(settings.deadline_s)))
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
        return Response(parts.telemetry.exposition(), content_type=CONTENT_TYPE_LATEST)

    @routes.get("/openapi.json")
    def openapi_json() -> Response:
        return exchange.json(parts.openapi())


def _describe() -> Description:
    card = get(
        "The model card of the current version, as HTML unless Markdown is preferred",
        {"text/html": TEXT, "text/markdown": TEXT},
        *(403, 404, 412, 422, 502, 503, 504),
    )
    manifest = get("A model and the public part of its manifest", json(ModelDetail), 404, 503, 504)
    return Description(
        {
            "/models": {"get": get("All models", json(ModelList))},
            "/models/{model}": {"parameters": [MODEL], "get": manifest},
            "/models/{model}/card": {"parameters": [MODEL], "get": {**card, "parameters": [PIN, CHOICE]}},
            "/healthz": {"get": get("Whether the process lives", flag("alive"))},
            "/readyz": {"get": get("Whether every model's goldens are answered rightly", flag("ready"), 503)},
            "/metrics": {"get": get("Metrics in Prometheus' format", {"text/plain": TEXT})},
            "/openapi.json": {"get": get("This document", {JSON: {"schema": {"type": "object"}}})},
        },
        (ModelList, ModelDetail),
    )


NATIVE = Dialect("native", _routes, _describe, exchange.problem)
