"""The OpenAPI document, from the schemas that the code itself reads and writes; and words to describe routes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.body import JSON, accepted_types
from gateway.problems import MEDIA_TYPE, Problem
from gateway.tasks.base import AnyTask
from gateway.trace import STAGES

_ABOUT = "Keras models as a service. `POST /models/{model}` speaks Hugging Face's inference API."
_REF = "#/components/schemas/{model}"
REFUSALS = {
    400: "Malformed JSON, or bytes that are not what they should be",
    403: "The model's route lets callers choose no version; or this page, or a name of this machine, may not ask",
    404: "No such model or path",
    405: "Another method is needed",
    408: "The body arrived too slowly",
    409: "It does not fit what is there: the detail says what is, and what to do",
    412: "The version that would answer has another digest than the request pins",
    413: "Over a limit, which is named",
    415: "A media type or a content encoding that is not taken; those that are, are listed",
    422: "A field has a wrong value; each is named",
    500: "An unknown failure; the id is in the gateway's log",
    501: "Not offered, or not by the model's version; the detail says why",
    502: "The model server answered something that is not an answer",
    503: "Not now; try again after `Retry-After` seconds",
    504: "No answer within the time a request has",
}
TEXT = {"schema": {"type": "string"}}
PIN = {
    "name": "X-Model-Digest",
    "in": "header",
    "description": "Answer only by a version with this digest, as `GET /models/{model}` and each answer tell it",
    "schema": {"type": "string"},
}
CHOICE = {
    "name": "X-Model-Version",
    "in": "header",
    "description": "Answer by the version of this number or label. Only where the model's route has `testers`",
    "schema": {"type": "string"},
}
MODEL = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}, "example": "digits"}


@dataclass(frozen=True)
class Description:
    """Routes by their path, and the models that their schemas refer to."""

    paths: Mapping[str, Mapping[str, Any]]
    models: tuple[type[BaseModel], ...] = field(default=())

    @classmethod
    def joined(cls, descriptions: Iterable[Self]) -> Self:
        """All routes; those of several descriptions at one path stand beside each other."""
        paths: dict[str, dict[str, Any]] = {}
        models: dict[type[BaseModel], None] = {}
        for description in descriptions:
            models |= dict.fromkeys(description.models)
            for path, item in description.paths.items():
                paths[path] = {**paths.get(path, {}), **item}
        return cls(paths, tuple(models))


def document(described: Description, title: str = "kmaas", about: str = _ABOUT) -> dict[str, Any]:
    """OpenAPI 3.1."""
    models: list[type[BaseModel]] = list(dict.fromkeys((*described.models, Problem)))
    _, schemas = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": "1",
            "description": about,
        },
        "paths": described.paths,
        "components": {"schemas": schemas["$defs"], "headers": _headers()},
    }


def inference(summary: str, tasks: Collection[type[AnyTask]], others: dict[str, Any], *refusals: int) -> dict[str, Any]:
    """`others` are answers beside JSON, by their media type."""
    bodies: dict[str, Any] = {media_type: {} for task in tasks for media_type in accepted_types(task)}
    bodies |= {JSON: any_of([task.request for task in tasks]), "application/octet-stream": {}}
    answer = any_of([task.response for task in tasks])
    return {
        "summary": summary,
        "description": "The model's task decides which of the bodies is meant. Media may be sent as they are, with or "
        "without a Content-Type: " + "; ".join(f"{task.name}: {', '.join(accepted_types(task))}" for task in tasks),
        "parameters": [PIN, CHOICE],
        "requestBody": {"required": True, "content": bodies},
        "responses": {
            "200": {
                "description": "The answer",
                "headers": answer_headers(),
                "content": {JSON: answer, **others},
            },
            **refused(*sorted(refusals)),
        },
    }


def any_of(models: list[type[BaseModel]]) -> dict[str, Any]:
    """The union of schemas, with the first example of each."""
    examples = {model.__name__: {"value": model.model_json_schema()["examples"][0]} for model in models}
    return {"schema": {"anyOf": [ref(model) for model in models]}, "examples": examples}


def get(summary: str, content: dict[str, Any], *refusals: int) -> dict[str, Any]:
    answer = {"description": summary, "content": content}
    return {"summary": summary, "responses": {"200": answer, **refused(*refusals, 405, 500)}}


def refused(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": ref(Problem)}}
    return {str(status): {"description": REFUSALS[status], "content": content} for status in statuses}


def json(model: type[BaseModel]) -> dict[str, Any]:
    return {JSON: {"schema": ref(model)}}


def flag(name: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"const": True}}, "required": [name]}
    return {JSON: {"schema": schema, "example": {name: True}}}


def ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def answer_headers() -> dict[str, Any]:
    """Those that every answer of a model has."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _headers()}


def _headers() -> dict[str, Any]:
    described = {
        "Server-Timing": f"Milliseconds in {', '.join(STAGES)}",
        "X-Request-Id": "The caller's own, or a new one",
        "X-Model": "The model that answered",
        "X-Model-Version": "Its version",
        "X-Model-Digest": "The digest of that version",
        "X-Model-Warning": "Which texts seem to be in a language that the model does not know, and in which one",
    }
    return {name: {"description": text, **TEXT} for name, text in described.items()}
