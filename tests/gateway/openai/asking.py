"""Requests to OpenAI's API, and what a refusal must be."""

import json
from typing import Any

from tests.support.processes import Answer, GatewayProcess
from tests.support.small_speech import recording

SPOKEN = ("speech.wav", recording([0.5, 0.0, 0.5]))


def user(content: str) -> Any:
    return [{"role": "user", "content": content}]


def post(gateway: GatewayProcess, path: str, body: object) -> Answer:
    return gateway.post(path, json.dumps(body).encode(), "application/json")


def refused(answer: Answer, status: int, *, param: str | None, says: str) -> dict[str, Any]:
    assert answer.status == status, answer.body
    error: dict[str, Any] = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["param"], says in error["message"]) == (param, True), error
    return error
