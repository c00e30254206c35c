"""Hugging Face's inference API: `POST /models/{model}`; the model's task decides the meaning."""

from flask import Blueprint, Response, request

from gateway.body import read_request
from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.openapi import MODEL, REFUSALS, Description, inference
from gateway.parts import Parts
from gateway.tasks.table import TASKS


def _routes(routes: Blueprint, parts: Parts) -> None:
    @routes.post("/models/<model>")
    def infer(model: str) -> Response:
        with exchange.received(parts) as (deadline, body):
            call, media_type = exchange.call(model, deadline), request.mimetype
            answer = parts.pipeline.answer(call, lambda task: read_request(task, body, media_type))
            return exchange.json(answer.model_dump())


def _describe() -> Description:
    tasks = tuple(TASKS.values())
    ask = inference("Ask a model", tasks, {}, *(REFUSALS.keys() - {405, 501}))
    models = tuple(schema for task in tasks for schema in (task.request, task.response))
    return Description({"/models/{model}": {"parameters": [MODEL], "post": ask}}, models)


HUGGING_FACE = Dialect("huggingface", _routes, _describe, exchange.problem)
