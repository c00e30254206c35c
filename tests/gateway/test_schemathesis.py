"""Schemathesis: requests made from our OpenAPI document get no 500, and only what the document says they may get."""

import copy
import json
import re
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.dialects.table import described
from tests.support.processes import GatewayProcess, ask
from tests.support.small_pictures import coloured

AS_DESCRIBED = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]

KNOWN = {"model": ("digits", "sentiment", "strokes"), "gallery": ("colours", "staff"), "picture": ("one",)}
GALLERIES = "/v1/galleries"


def _described() -> Any:
    """Our document, with models, galleries and pictures that there are beside one that there is not."""
    document = copy.deepcopy(described())
    for item in document["paths"].values():
        for parameter in item.get("parameters", ()):
            if known := KNOWN.get(parameter["name"]):
                parameter["schema"] = {"enum": [*known, "none"]}
    return document


DOCUMENT = _described()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = [
    (path, method)
    for path, item in DOCUMENT["paths"].items()
    for method in sorted(item.keys() - {"parameters", "summary"})
]


@pytest.fixture
def asked(path: str, gateway: GatewayProcess, texts: GatewayProcess) -> GatewayProcess:
    """The gateway whose models the path is for."""
    if not path.startswith(GALLERIES):
        return gateway
    made = [{"name": "colours", "model": "hues"}, {"name": "staff", "model": "faces", "kind": "people"}]
    for gallery in made:
        assert texts.post(GALLERIES, json.dumps(gallery).encode()).status in {201, 409}
    assert ask(f"{texts.url}{GALLERIES}/colours/pictures/one", coloured(250), method="PUT").status in {200, 201}
    return texts


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_answers_are_those_described(path: str, method: str, asked: GatewayProcess) -> None:
    examples = 10 if path.startswith(GALLERIES) else 60

    @settings(max_examples=examples, suppress_health_check=list(HealthCheck))
    @given(case=SCHEMA[path][method].as_strategy())
    def answered_as_described(case: schemathesis.Case[Any]) -> None:
        response = case.call(base_url=asked.url, timeout=60)
        assert response.status_code != 500
        case.validate_response(response, checks=AS_DESCRIBED)

    answered_as_described()


@pytest.mark.parametrize("path", sorted({path for path, _ in OPERATIONS}))
def test_other_methods_are_refused_and_those_there_are_told(path: str, gateway: GatewayProcess) -> None:
    """TensorFlow Serving's own refusal is 400."""
    there = {method.upper() for described_path, method in OPERATIONS if described_path == path}
    filled = re.sub(r"{\w+}", lambda found: {"{model}": "digits", "{version}": "1"}.get(found[0], "x"), path)
    for method in {"POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - there:
        answer = ask(gateway.url + filled, b"{}", method=method)
        assert answer.status in (400, 405)
        assert "error" in answer.json()
        if answer.status == 405:
            assert there <= {allowed.strip() for allowed in answer.headers["Allow"].split(",")}
