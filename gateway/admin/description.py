"""The OpenAPI document of the admin API."""

from typing import Any

from pydantic import BaseModel

from gateway.body import JSON
from gateway.openapi import MODEL, TEXT, Description, any_of, document, flag, get, json, ref, refused
from gateway.problems import MEDIA_TYPE, Problem
from gateway.routing.figures import RouteDocument, RouteList, Withdrawal
from gateway.routing.route import Route

ACTOR_HEADER = "X-Changed-By"

_ABOUT = "How models are routed, seen and changed while the gateway runs. For operators, on a port of its own."
_REFUSALS = {
    401: "The gateway has an admin_token, and this is not it",
    403: "There is no admin_token, and the Host is not one of this machine's own names",
    507: "The change cannot be kept on the disk",
}


def described() -> dict[str, Any]:
    """The OpenAPI document of the admin API."""
    found = json(RouteDocument)
    actor = {"name": ACTOR_HEADER, "in": "header", "description": "Who asks, for the audit", "schema": TEXT["schema"]}
    changed = {"200": {"description": "The route as it is now", "content": found}}
    refusals = {**_refused(401, 403, 507), **refused(400, 404, 405, 413, 422, 500, 503, 504)}

    def change(summary: str, body: type[BaseModel] | None) -> dict[str, Any]:
        content = {"requestBody": {"required": True, "content": {JSON: any_of([body])}}} if body else {}
        return {"summary": summary, "parameters": [actor], **content, "responses": {**changed, **refusals}}

    def look(summary: str, content: dict[str, Any], *statuses: int) -> dict[str, Any]:
        asked = get(summary, content, *statuses)
        return {**asked, "responses": {**asked["responses"], **_refused(401, 403)}}

    one = {
        "parameters": [MODEL],
        "get": look("The route of a model, and what was seen of it", found, 404, 503, 504),
        "put": change("Give a model a route; what is wrong with it is named, and nothing changes", Route),
        "delete": change("Take a model's route away", None),
    }
    withdraw = change("Take a part of the split, and the shadow, that go to a version out of a route", Withdrawal)
    paths: dict[str, dict[str, Any]] = {
        "/routes": {"get": look("All routes", json(RouteList))},
        "/routes/{model}": one,
        "/routes/{model}/withdraw": {"parameters": [MODEL], "post": withdraw},
        "/healthz": {"get": look("Whether the process lives", flag("alive"))},
        "/openapi.json": {"get": look("This document", {JSON: {"schema": {"type": "object"}}})},
    }
    return document(Description(paths, (RouteDocument, RouteList, Route, Withdrawal)), "kmaas admin", _ABOUT)


def _refused(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": ref(Problem)}}
    return {str(status): {"description": _REFUSALS[status], "content": content} for status in statuses}
