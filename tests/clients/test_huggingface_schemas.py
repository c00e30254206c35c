"""Requests and answers against the JSON schemas of npm's `@huggingface/tasks`.

Where what clients send and accept differs from the schemas, these tests and docs/huggingface.md say so.
"""

import json
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft6Validator
from referencing import Registry, Resource

from gateway.tasks.table import TASKS
from tests.support.node import PACKAGES
from tests.support.processes import GatewayProcess
from tests.support.small_detector import drawn
from tests.support.small_models import json_picture, picture

SPECIFIED = PACKAGES / "@huggingface" / "tasks" / "src" / "tasks"
UNSPECIFIED = ["image-feature-extraction"]
CLASSIFIERS = {"text-classification": "sentiment", "image-classification": "digits"}


def schema_of(task: str, side: str) -> Any:
    return json.loads((SPECIFIED / task / "spec" / f"{side}.json").read_text())


@cache
def validator(task: str, side: str) -> Draft6Validator:
    common = Resource.from_contents(json.loads((SPECIFIED / "common-definitions.json").read_text()))
    return Draft6Validator(schema_of(task, side), registry=Registry().with_resource(common.id() or "", common))


def faults(task: str, side: str, document: object) -> list[str]:
    return [error.message for error in validator(task, side).iter_errors(document)]


def alone(task: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """The schemas know one input where we take a list too: a batch stands for a request of each."""
    if isinstance(request["inputs"], list) and faults(task, "input", request):
        return [{**request, "inputs": one} for one in request["inputs"]]
    return [request]


def test_of_one_task_hugging_face_has_no_schema() -> None:
    assert [task for task in TASKS if not (SPECIFIED / task / "spec").exists()] == UNSPECIFIED


@pytest.mark.parametrize("task", [task for task in TASKS if task not in UNSPECIFIED])
def test_the_examples_are_requests_of_the_schema(task: str) -> None:
    examples = TASKS[task].request.model_json_schema()["examples"]
    assert examples
    for example in examples:
        asked = TASKS[task].request.model_validate(example).asks_for(task)  # some are tasks of their own there
        for request in alone(asked, example):
            assert faults(asked, "input", request) == []


def test_every_parameter_of_zero_shot_classification_is_taken(texts: GatewayProcess) -> None:
    [parameters] = schema_of("zero-shot-classification", "input")["$defs"].values()
    asked = {"candidate_labels": ["good", "bad"], "hypothesis_template": "It is {}.", "multi_label": True}
    assert set(parameters["properties"]) == asked.keys()
    body = {"inputs": "a wonderful film", "parameters": asked}
    assert faults("zero-shot-classification", "input", body) == []
    answer = texts.post("/models/embeddings", json.dumps(body).encode())
    assert answer.status == 200
    assert faults("zero-shot-classification", "output", answer.json()) == []


@pytest.mark.parametrize("task", CLASSIFIERS)
def test_every_parameter_of_the_schema_is_taken(task: str, gateway: GatewayProcess) -> None:
    [parameters] = schema_of(task, "input")["$defs"].values()
    assert set(parameters["properties"]) == {"top_k", "function_to_apply"}
    for value in ("sigmoid", "softmax", "none"):
        asked = {"function_to_apply": value, "top_k": 1}
        body = json_picture(picture(), **asked)
        if task == "text-classification":
            body = json.dumps({"inputs": "good", "parameters": asked}).encode()
        assert faults(task, "input", json.loads(body)) == []
        assert gateway.post(f"/models/{CLASSIFIERS[task]}", body).status == 200


def test_a_classified_picture_is_an_answer_of_the_schema(gateway: GatewayProcess) -> None:
    for body in (picture(), json_picture(picture(), top_k=2)):
        assert faults("image-classification", "output", gateway.post("/models/digits", body).json()) == []


def test_what_was_found_in_a_picture_is_an_answer_of_the_schema(texts: GatewayProcess) -> None:
    [parameters] = schema_of("object-detection", "input")["$defs"].values()
    assert set(parameters["properties"]) == {"threshold"}
    body = json_picture(drawn(("red", 1, 2), ("blue", 3, 4)), threshold=0.1)
    assert faults("object-detection", "input", json.loads(body)) == []
    answer = texts.post("/models/squares", body).json()
    assert len(answer) == 2
    assert faults("object-detection", "output", answer) == []


def test_a_classified_text_is_an_answer_of_the_schema_in_a_list(gateway: GatewayProcess) -> None:
    """Hugging Face's own servers answer nested and `huggingface_hub` takes element 0; the schema has it flat."""
    [answer] = gateway.post("/models/sentiment", b'{"inputs": "good"}').json()
    assert faults("text-classification", "output", answer) == []
    assert faults("text-classification", "output", [answer])


def test_the_lock_file_names_no_host() -> None:
    lock = (PACKAGES.parent / "package-lock.json").read_text()
    assert '"integrity"' in lock
    assert "resolved" not in lock
    assert "://" not in lock
