"""`GET /v1/models` and `GET /v1/models/{model}`, which are OpenAI's and TensorFlow Serving's: one body carries both.

A refusal has the shape of one of the two: the caller's user agent decides.
"""

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, JsonValue

from gateway import openapi
from gateway.deadline import Deadline
from gateway.dialects import exchange, tensorflow_serving
from gateway.dialects.dialect import Dialect
from gateway.dialects.openai import errors as openai_errors
from gateway.dialects.openai.errors import OpenAIError
from gateway.dialects.tensorflow_serving_api import ServingFailure, ServingStatus, refused
from gateway.errors import UnknownModelError
from gateway.model_status import read_status, status_message
from gateway.openapi import MODEL, Description
from gateway.parts import Parts
from gateway.refusals import Refusal
from gateway.view import ModelView
from wire.errors import RestError
from wire.rest.documents import fields

_OWNER = "kmaas"
_OPENAI = "OpenAI/"  # as in `OpenAI/Python 3.54.0`, `AsyncOpenAI/Python …`, `OpenAI/JS …`
_EXAMPLE: dict[str, JsonValue] = {
    "id": "digits",
    "object": "model",
    "created": 1767225600,
    "owned_by": _OWNER,
    "model_version_status": [
        {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    ],
}


class V1Model(ServingStatus):
    """A model as OpenAI's clients know it, with its versions as TensorFlow Serving's do."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    object: str
    created: int  # seconds since 1970, of the current version; 0 while there is none
    owned_by: str


class V1ModelList(BaseModel):
    """All models, by name in order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"object": "list", "data": [_EXAMPLE]}]})

    object: str
    data: list[V1Model]


def _routes(routes: Blueprint, parts: Parts) -> None:
    @routes.get("/v1/models")
    def models() -> Response:
        listed = [
            _model(name, view, fields(status_message(view.statuses or (), view)))
            for name, view in parts.registry.views().items()
        ]
        return exchange.json({"object": "list", "data": listed})

    @routes.get("/v1/models/<model>")
    def one_model(model: str) -> Response:
        with parts.admission.place():
            call = exchange.call(model, Deadline.after(parts.settings.deadline_s))
            status = fields(read_status(parts.registry, parts.backend, call))
            view = parts.registry.model(model, call.deadline).looked_at(call.deadline)
            return exchange.json(_model(model, view, status))


def _model(name: str, view: ModelView, status: dict[str, Any]) -> dict[str, Any]:
    created = int(view.current.manifest.created.timestamp()) if view.current else 0
    return {"id": name, "object": "model", "created": created, "owned_by": _OWNER, **status}


def _refuse(refusal: Refusal) -> Response:
    if _OPENAI in request.headers.get("User-Agent", ""):
        return openai_errors.refuse(refusal)
    if isinstance(refusal.error, UnknownModelError):
        refusal = replace(refusal, error=_unknown(str((request.view_args or {}).get("model"))))
    return tensorflow_serving.refuse(refusal)


def _unknown(model: str) -> RestError:
    """In TensorFlow Serving's words."""
    return tensorflow_serving.malformed() if ":" in model else tensorflow_serving.no_versions(model)


def _describe() -> Description:
    either = {"anyOf": [openapi.ref(ServingFailure), openapi.ref(OpenAIError)]}
    refusals = refused(400, 404, 500, 502, 503, 504)
    for answer in refusals.values():
        answer["content"] = {"application/json": {"schema": either}}
    one = {
        "summary": "A model, for clients of OpenAI's and of TensorFlow Serving's",
        "responses": {"200": {"description": "The model", "content": openapi.json(V1Model)}, **refusals},
    }
    every = {
        "summary": "All models, for clients of OpenAI's and of TensorFlow Serving's",
        "responses": {"200": {"description": "The models", "content": openapi.json(V1ModelList)}, **refusals},
    }
    return Description(
        {"/v1/models": {"get": every}, "/v1/models/{model}": {"parameters": [MODEL], "get": one}},
        (V1Model, V1ModelList, OpenAIError, ServingFailure),
    )


V1_MODELS = Dialect("v1-models", _routes, _describe, _refuse, prefixes=("/v1/models",))
