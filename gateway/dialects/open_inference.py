"""The Open Inference Protocol v2, as KServe and Triton speak it, over HTTP: `/v2`."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request
from pydantic import BaseModel

from gateway.body import JSON
from gateway.deadline import Deadline
from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.errors import NotOfferedError, NotReadyError
from gateway.open_inference.absent import extension_at
from gateway.open_inference.body import LENGTH_HEADER, InferAnswer, InferRequest, read_infer, write_answer
from gateway.open_inference.metadata import ModelMetadata, ServerMetadata, model_metadata
from gateway.open_inference.parameters import version_of
from gateway.open_inference.tensors import outputs_of
from gateway.openapi import CHOICE, MODEL, PIN, REFUSALS, Description, any_of, json, ref
from gateway.parts import Parts
from gateway.refusals import Refusal, refusal

_OCTETS = "application/octet-stream"
_ONE, _VERSION = "/v2/models/<model>", "/v2/models/<model>/versions/<version>"


class OpenInferenceError(BaseModel):
    """What every refusal says."""

    error: str


class Liveness(BaseModel):
    """The process lives."""

    live: bool


class Readiness(BaseModel):
    """Every model that should answer can."""

    ready: bool


class ModelReadiness(BaseModel):
    """A version of the model can answer."""

    name: str
    ready: bool


def _routes(routes: Blueprint, parts: Parts) -> None:
    registry, settings = parts.registry, parts.settings

    @routes.get("/v2")
    def server() -> Response:
        return exchange.json(ServerMetadata().model_dump())

    @routes.get("/v2/health/live")
    def live() -> Response:
        return exchange.json({"live": True})

    @routes.get("/v2/health/ready")
    def ready() -> Response:
        reasons = registry.unready()
        if reasons:
            raise NotReadyError(reasons)
        return exchange.json({"ready": True})

    @routes.get(_ONE, defaults={"version": ""})
    @routes.get(_VERSION)
    def model(model: str, version: str) -> Response:
        call = exchange.call(model, Deadline.after(settings.deadline_s), version_of(version))
        found = parts.pipeline.by_version(call, lambda served: served)
        view = registry.model(model, call.deadline).view
        return exchange.json(model_metadata(found, view).model_dump())

    @routes.get(f"{_ONE}/ready", defaults={"version": ""})
    @routes.get(f"{_VERSION}/ready")
    def model_ready(model: str, version: str) -> Response:
        call = exchange.call(model, Deadline.after(settings.deadline_s), version_of(version))
        found = parts.pipeline.by_version(call, lambda served: served)
        return exchange.json({"name": found.model, "ready": True})

    @routes.post(f"{_ONE}/infer", defaults={"version": ""})
    @routes.post(f"{_VERSION}/infer")
    def infer(model: str, version: str) -> Response:
        with exchange.received(parts, model) as (deadline, body):
            call = exchange.call(model, deadline, version_of(version))
            with call.trace.stage("decode"):
                asked = read_infer(body, request.headers.get(LENGTH_HEADER))
            answer = parts.pipeline.predict(call, asked.call)
            with call.trace.stage("postprocess"):
                served = answer.version
                outputs = outputs_of(answer.response, asked.call, served.manifest)
                content, json_bytes = write_answer(asked, served.model, served.number, outputs)
            return _answer(content, json_bytes)


def _answer(content: bytes, json_bytes: int | None) -> Response:
    if json_bytes is None:
        return Response(content, content_type=JSON)
    return Response(content, content_type=_OCTETS, headers={LENGTH_HEADER: str(json_bytes)})


def _refuse(refused: Refusal) -> Response:
    """What is not there is refused by its name, where the protocol has one for it."""
    absent = extension_at(request.path) if refused.status == HTTPStatus.NOT_FOUND else None
    told = refusal(NotOfferedError(*absent), refused.request_id) if absent else refused
    return exchange.json(OpenInferenceError(error=told.detail).model_dump(), status=told.status)


def _describe() -> Description:
    length = {
        "name": LENGTH_HEADER,
        "in": "header",
        "description": "How many bytes of the body are JSON, where tensors follow it as binary data",
        "schema": {"type": "integer"},
    }
    infer = {
        "summary": "Ask a version in tensors",
        "description": "JSON, or JSON with the tensors behind it as binary data: little-endian numbers, of BYTES each "
        "element behind its length (32 bits). The answer mirrors it.",
        "parameters": [PIN, CHOICE, length],
        "requestBody": {"required": True, "content": {JSON: any_of([InferRequest]), _OCTETS: {}}},
        "responses": {
            "200": {"description": "The outputs", "content": {**json(InferAnswer), _OCTETS: {}}},
            **_refused(400, 403, 404, 408, 412, 413, 415, 422, 500, 502, 503, 504),
        },
    }
    version = {"name": "version", "in": "path", "required": True, "schema": {"type": "string"}, "example": "stable"}
    told = {
        "": _get("A model's tensors", ModelMetadata, 403, 404, 412, 422, 503, 504),
        "/ready": _get("Whether a model can answer", ModelReadiness, 403, 404, 412, 422, 503, 504),
    }
    paths: dict[str, Mapping[str, Any]] = {
        "/v2": {"get": _get("The server", ServerMetadata)},
        "/v2/health/live": {"get": _get("Whether the process lives", Liveness)},
        "/v2/health/ready": {"get": _get("Whether every model's goldens are answered rightly", Readiness, 503)},
    }
    for prefix, names in (("/v2/models/{model}", [MODEL]), ("/v2/models/{model}/versions/{version}", [MODEL, version])):
        paths |= {f"{prefix}{rest}": {"parameters": names, "get": operation} for rest, operation in told.items()}
        paths[f"{prefix}/infer"] = {"parameters": names, "post": infer}
    models = (InferRequest, InferAnswer, ModelMetadata, ModelReadiness, ServerMetadata, Liveness, Readiness)
    return Description(paths, (*models, OpenInferenceError))


def _get(summary: str, model: type[BaseModel], *refusals: int) -> dict[str, Any]:
    answer = {"description": summary, "content": json(model)}
    return {"summary": summary, "responses": {"200": answer, **_refused(*refusals, 405, 500)}}


def _refused(*statuses: int) -> dict[str, Any]:
    content = {JSON: {"schema": ref(OpenInferenceError)}}
    return {str(status): {"description": REFUSALS[status], "content": content} for status in sorted(statuses)}


OPEN_INFERENCE = Dialect("open-inference", _routes, _describe, _refuse, ("/v2/",))
