"""Hugging Face's inference API: `POST /models/{model}`; the model's task decides the meaning."""

from flask import Blueprint, Response, request

from gateway.admission import Admission
from gateway.deadline import Deadline
from gateway.dialects import exchange
from gateway.pipeline import Pipeline
from gateway.settings import GatewaySettings


def huggingface(pipeline: Pipeline, admission: Admission, settings: GatewaySettings) -> Blueprint:
    routes = Blueprint("huggingface", __name__)

    @routes.post("/models/<model>")
    def infer(model: str) -> Response:
        deadline = Deadline.after(settings.deadline_s)
        with admission.place():
            body = exchange.body(settings.limits.body_bytes)
            with admission.work(deadline):
                digest = exchange.pinned_digest()
                answer = pipeline.answer(model, body, request.mimetype, exchange.trace(), deadline, digest=digest)
                return exchange.json(answer.model_dump())

    return routes
