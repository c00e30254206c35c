"""Why an answer is what it is: `POST /models/{model}/explain`, with the body of `POST /models/{model}`."""

from flask import Blueprint, Response, request
from pydantic import BaseModel

from gateway.admission import Admission
from gateway.body import JSON
from gateway.deadline import Deadline
from gateway.dialects import exchange
from gateway.pipeline import Pipeline
from gateway.settings import GatewaySettings
from gateway.tasks.image_explanation import PNG, ImageExplanationResponse
from gateway.version import ServedVersion


def explanations(pipeline: Pipeline, admission: Admission, settings: GatewaySettings) -> Blueprint:
    routes = Blueprint("explanations", __name__)

    @routes.post("/models/<model>/explain")
    def explain(model: str) -> Response:
        deadline = Deadline.after(settings.deadline_s)
        with admission.place():
            body = exchange.body(settings.limits.body_bytes)
            with admission.work(deadline):
                answer = pipeline.answer(
                    model,
                    body,
                    request.mimetype,
                    exchange.trace(),
                    deadline,
                    digest=exchange.pinned_digest(),
                    task_of=ServedVersion.explained,
                )
                return _response(answer)

    return routes


def _response(answer: BaseModel) -> Response:
    """A picture goes as it is, unless the caller would rather have JSON."""
    if isinstance(answer, ImageExplanationResponse) and request.accept_mimetypes.best_match((PNG, JSON)) != JSON:
        response = Response(answer.image, content_type=PNG)
        response.vary.add("Accept")
        return response
    return exchange.json(answer.model_dump())
