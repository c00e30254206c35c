"""Hugging Face's inference API: `POST /models/{model}`; the model's task decides the meaning."""

from contextlib import ExitStack

from flask import Blueprint, Response
from pydantic import BaseModel

from gateway import sse
from gateway.body import read_request
from gateway.dialects import exchange
from gateway.dialects.dialect import Dialect
from gateway.openapi import MODEL, REFUSALS, TEXT, Description, inference
from gateway.parts import Parts
from gateway.pipeline import Read
from gateway.refusals import Refusal
from gateway.stream import Stream
from gateway.tasks.table import TASKS


def _routes(routes: Blueprint, parts: Parts) -> None:
    @routes.post("/models/<model>")
    def infer(model: str) -> Response:
        if parts.pipeline.steps(model):
            with exchange.generating(parts, model) as turn:
                reply = parts.pipeline.reply(exchange.call(model, turn.deadline), _reading(turn.body))
                return _response(parts, reply, turn.held)
        with exchange.received(parts, model) as (deadline, body):
            return _response(parts, parts.pipeline.reply(exchange.call(model, deadline), _reading(body)))


def _reading(body: bytes) -> Read:
    media_type = exchange.asked().mimetype
    return lambda task: read_request(task, body, media_type)


def _response(parts: Parts, reply: BaseModel | Stream, held: ExitStack | None = None) -> Response:
    if isinstance(reply, Stream):
        events = (sse.event(_document(piece)) for piece in reply)
        return exchange.stream(parts, reply, events, _failed, held)
    return exchange.json(_document(reply))


def _document(answer: BaseModel) -> object:
    """What there is nothing to say about is left out: the schemas know no null."""
    return answer.model_dump(exclude_none=True)


def _failed(refused: Refusal) -> bytes:
    return sse.event({"error": refused.detail, "error_type": refused.error_type})


def _describe() -> Description:
    tasks = tuple(TASKS.values())
    ask = inference("Ask a model", tasks, {sse.MEDIA_TYPE: TEXT}, *(REFUSALS.keys() - {405, 501}))
    models = tuple(schema for task in tasks for schema in (task.request, task.response))
    return Description({"/models/{model}": {"parameters": [MODEL], "post": ask}}, models)


HUGGING_FACE = Dialect("huggingface", _routes, _describe, exchange.problem)
