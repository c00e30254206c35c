"""Why an answer is what it is: `POST /models/{model}/explain`, with the body of `POST /models/{model}`."""

from flask import Blueprint, Response, request
from pydantic import BaseModel

from gateway import openapi
from gateway.body import JSON, read_request
from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.openapi import MODEL, REFUSALS, Description
from gateway.parts import Parts
from gateway.tasks import table
from gateway.tasks.image_explanation import PNG, ImageExplanationResponse
from gateway.tasks.text_explanation import TextExplanationResponse
from gateway.version import ServedVersion


def _routes(routes: Blueprint, parts: Parts) -> None:
    @routes.post("/models/<model>/explain")
    def explain(model: str) -> Response:
        with exchange.received(parts, model) as (deadline, body):
            call, media_type = exchange.call(model, deadline), request.mimetype
            answer = parts.pipeline.answer(
                call, lambda task: read_request(task, body, media_type), task_of=ServedVersion.explained
            )
            return _response(answer)


def _response(answer: BaseModel) -> Response:
    """A picture goes as it is, unless the caller would rather have JSON."""
    if isinstance(answer, ImageExplanationResponse) and request.accept_mimetypes.best_match((PNG, JSON)) != JSON:
        response = Response(answer.image, content_type=PNG)
        response.vary.add("Accept")
        return response
    unknown = exchange.trace().unknown_language
    if unknown and isinstance(answer, TextExplanationResponse):
        answer = answer.model_copy(update={"warnings": [*unknown.sentences()]})
    return exchange.json(answer.model_dump())


def _describe() -> Description:
    tasks = tuple(table.EXPLANATIONS.values())
    ask = openapi.inference(
        "Ask a model what in the input speaks for a label",
        tasks,
        {PNG: {"schema": {"type": "string", "contentMediaType": PNG}}},
        *(REFUSALS.keys() - {405}),
    )
    models = tuple(schema for task in tasks for schema in (task.request, task.response))
    return Description({"/models/{model}/explain": {"parameters": [MODEL], "post": ask}}, models)


EXPLANATIONS = Dialect("explanations", _routes, _describe, exchange.problem)
