"""Random and mutated bodies: read_request raises typed errors only, and a gateway that gets them lives and answers."""

import json
from contextlib import suppress
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.body import read_request
from gateway.errors import RequestError
from gateway.tasks.base import AnyTask
from gateway.tasks.table import EXPLANATIONS, TASKS
from processing.errors import ProcessingError
from processing.image import FORMATS, decode
from tests.support.processes import GatewayProcess
from tests.support.small_models import picture

PARSERS = [*TASKS.values(), *EXPLANATIONS.values()]
TYPED = (RequestError, ProcessingError)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
fields = st.sampled_from(["inputs", "parameters", "options", "top_k", "function_to_apply", "label", "stream"])
requests = st.dictionaries(fields, documents | st.dictionaries(fields, documents, max_size=3), max_size=4)
media_types = st.sampled_from(["", "application/json", "image/png", "text/plain", "application/octet-stream"])


@pytest.mark.parametrize("task", PARSERS, ids=lambda task: task.__name__)
@settings(max_examples=150)
@given(
    body=st.binary(max_size=200) | (requests | documents).map(lambda value: json.dumps(value).encode()),
    kind=media_types,
)
def test_a_body_becomes_a_request_or_a_typed_error(task: type[AnyTask], body: bytes, kind: str) -> None:
    with suppress(*TYPED):  # what is read of a task, its class has too
        assert isinstance(read_request(cast("AnyTask", task), body, kind), task.request)


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, list[tuple[str, float, bytes]]]:
    kinds = st.tuples(st.sampled_from(["replace", "cut", "insert", "repeat"]), st.floats(0, 1), st.binary(max_size=8))
    return draw(st.sampled_from(FORMATS)), draw(st.lists(kinds, min_size=1, max_size=6))


def mutated(data: bytes, steps: list[tuple[str, float, bytes]]) -> bytes:
    for kind, where, piece in steps:
        at = int(where * len(data))
        match kind:
            case "replace":
                data = data[:at] + piece + data[at + len(piece) :]
            case "cut":
                data = data[:at] + data[at + len(piece) + 1 :]
            case "insert":
                data = data[:at] + piece + data[at:]
            case _:
                data = data[:at] + data[at : at + 64] * 8 + data[at:]
    return data


PICTURES = {encoding: picture(encoding=encoding) for encoding in FORMATS}


@settings(max_examples=400)
@given(made=mutations())
def test_a_mutated_picture_is_decoded_or_a_typed_error(made: tuple[str, list[tuple[str, float, bytes]]]) -> None:
    encoding, steps = made
    try:
        pixels = decode(mutated(PICTURES[encoding], steps), max_pixels=1_000_000)
    except ProcessingError:
        return
    assert pixels.ndim == 3


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=mutations())
def test_a_gateway_survives_mutated_pictures(
    gateway: GatewayProcess, made: tuple[str, list[tuple[str, float, bytes]]]
) -> None:
    encoding, steps = made
    for path in ("/models/digits", "/models/strokes/explain"):
        answer = gateway.post(path, mutated(PICTURES[encoding], steps))
        assert answer.status in (200, 400, 413, 422), answer.body
    assert gateway.alive()


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300) | requests.map(lambda value: json.dumps(value).encode()))
def test_a_gateway_survives_odd_bodies(gateway: GatewayProcess, body: bytes) -> None:
    for path in ("/models/sentiment", "/models/digits", "/models/sentiment/explain"):
        assert gateway.post(path, body, "application/json").status in (200, 400, 413, 422)
    assert gateway.alive()
