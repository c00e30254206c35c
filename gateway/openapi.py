"""The OpenAPI document, generated from the schemas that the code itself reads and writes."""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.body import JSON, accepted_types
from gateway.catalog import ModelDetail, ModelList
from gateway.problems import MEDIA_TYPE, Problem
from gateway.tasks.base import AnyTask
from gateway.tasks.image_explanation import PNG
from gateway.tasks.table import EXPLANATIONS, TASKS
from gateway.trace import STAGES

_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    400: "Malformed JSON, or bytes that are not what they should be",
    404: "No such model or path",
    405: "Another method is needed",
    412: "The version that would answer has another digest than the request pins",
    413: "Over a limit, which is named",
    415: "A media type that the model's task does not take; those it takes are listed",
    422: "A field has a wrong value; each is named",
    500: "An unknown failure; the id is in the gateway's log",
    501: "The model's version cannot explain its answers; the detail says why",
    502: "The model server answered something that is not an answer",
    503: "Not now; try again after `Retry-After` seconds",
    504: "No answer within the time a request has",
}
_TEXT = {"schema": {"type": "string"}}
_PIN = {
    "name": "X-Model-Digest",
    "in": "header",
    "description": "Answer only by a version with this digest, as `GET /models/{model}` and each answer tell it",
    "schema": {"type": "string"},
}
_MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}, "example": "digits"}


def document() -> dict[str, Any]:
    """OpenAPI 3.1, of every route."""
    models: list[type[BaseModel]] = [ModelList, ModelDetail, Problem]
    tasks = (*TASKS.values(), *EXPLANATIONS.values())
    models += [schema for task in tasks for schema in (task.request, task.response)]
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kmaas",
            "version": "1",
            "description": "Keras models as a service. `POST /models/{model}` speaks Hugging Face's inference API.",
        },
        "paths": _paths(),
        "components": {"schemas": schemas["$defs"], "headers": _headers()},
    }


def _paths() -> dict[str, Any]:
    return {
        "/models/{model}": {
            "parameters": [_MODEL],
            "get": _get("A model and the public part of its manifest", _json(ModelDetail), 404, 503, 504),
            "post": _inference("Ask a model", TASKS.values(), {}, *(set(_PROBLEMS) - {405, 501})),
        },
        "/models/{model}/explain": {
            "parameters": [_MODEL],
            "post": _inference(
                "Ask a model what in the input speaks for a label",
                EXPLANATIONS.values(),
                {PNG: {"schema": {"type": "string", "contentMediaType": PNG}}},
                *(set(_PROBLEMS) - {405}),
            ),
        },
        "/models/{model}/card": {
            "parameters": [_MODEL],
            "get": _get(
                "The model card of the current version, as HTML unless Markdown is preferred",
                {"text/html": _TEXT, "text/markdown": _TEXT},
                *(404, 502, 503, 504),
            ),
        },
        "/models": {"get": _get("All models", _json(ModelList))},
        "/healthz": {"get": _get("Whether the process lives", _flag("alive"))},
        "/readyz": {"get": _get("Whether every model's goldens are answered rightly", _flag("ready"), 503)},
        "/metrics": {"get": _get("Metrics in Prometheus' format", {"text/plain": _TEXT})},
        "/openapi.json": {"get": _get("This document", {JSON: {"schema": {"type": "object"}}})},
        "/docs": {"get": _get("This document, rendered", {"text/html": _TEXT})},
        "/": {"get": _get("The page to try the models", {"text/html": _TEXT})},
        "/web/{file}": {
            "parameters": [{"name": "file", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": _get("A file of the pages", {"*/*": {}}, 404),
        },
    }


def _inference(
    summary: str, tasks: Collection[type[AnyTask]], others: dict[str, Any], *refusals: int
) -> dict[str, Any]:
    """`others` are answers beside JSON, by their media type."""
    bodies: dict[str, Any] = {media_type: {} for task in tasks for media_type in accepted_types(task)}
    bodies |= {JSON: _any_of([task.request for task in tasks]), "application/octet-stream": {}}
    answer = _any_of([task.response for task in tasks])
    return {
        "summary": summary,
        "description": "The model's task decides which of the bodies is meant. Media may be sent as they are, with or "
        "without a Content-Type: " + "; ".join(f"{task.name}: {', '.join(accepted_types(task))}" for task in tasks),
        "parameters": [_PIN],
        "requestBody": {"required": True, "content": bodies},
        "responses": {
            "200": {
                "description": "The answer",
                "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in _headers()},
                "content": {JSON: answer, **others},
            },
            **_refusals(*sorted(refusals)),
        },
    }


def _any_of(models: list[type[BaseModel]]) -> dict[str, Any]:
    """The union of schemas, with the first example of each."""
    examples = {model.__name__: {"value": model.model_json_schema()["examples"][0]} for model in models}
    return {"schema": {"anyOf": [_ref(model) for model in models]}, "examples": examples}


def _get(summary: str, content: dict[str, Any], *refusals: int) -> dict[str, Any]:
    answer = {"description": summary, "content": content}
    return {"summary": summary, "responses": {"200": answer, **_refusals(*refusals, 405, 500)}}


def _refusals(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": _ref(Problem)}}
    return {str(status): {"description": _PROBLEMS[status], "content": content} for status in statuses}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {JSON: {"schema": _ref(model)}}


def _flag(name: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"const": True}}, "required": [name]}
    return {JSON: {"schema": schema, "example": {name: True}}}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _headers() -> dict[str, Any]:
    described = {
        "Server-Timing": f"Milliseconds in {', '.join(STAGES)}",
        "X-Request-Id": "The caller's own, or a new one",
        "X-Model": "The model that answered",
        "X-Model-Version": "Its version",
        "X-Model-Digest": "The digest of that version",
    }
    return {name: {"description": text, **_TEXT} for name, text in described.items()}
