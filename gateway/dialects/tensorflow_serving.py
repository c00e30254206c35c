"""TensorFlow Serving's REST API: `POST /v1/models/{model}[/versions/{version}|/labels/{label}]:predict` and its like.

Answers and refusals of what a caller sent are those of the model server's own REST, byte for byte. The path
`/v1/models/{model}` itself is also OpenAI's: see `gateway.dialects.v1_models`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from operator import attrgetter
from typing import Any

from flask import Blueprint, Response, request
from grpc import StatusCode

from gateway.body import JSON
from gateway.call import Call
from gateway.deadline import Deadline
from gateway.dialects import exchange, tensorflow_serving_api
from gateway.dialects.dialect import Dialect
from gateway.errors import (
    MethodError,
    OverLimitError,
    RejectedError,
    UnknownModelError,
    UnknownRouteError,
    UnknownVersionError,
)
from gateway.message import Message
from gateway.model import Wanted
from gateway.model_status import read_status
from gateway.parts import Parts
from gateway.refusals import Refusal
from gateway.settings import Limits
from gateway.tasks.classification import check_items
from store.layout import INT64_MAX
from wire import messages
from wire.errors import InflationError, RestError
from wire.methods import CLASSIFY, REGRESS, Method
from wire.rest.documents import error_text, fields, http_status, metadata, pretty
from wire.rest.examples import classifications_text, fill_request, regressions_text
from wire.rest.gzip import inflated
from wire.rest.json import parse, signature_name
from wire.rest.predict import outputs_text, read_inputs, row_count
from wire.tensors import Array

_VERSION = re.compile(r"\d+", re.ASCII)
_INT64_DIGITS = 4000  # more than these Python does not convert; leading zeros are fine
_TOLD = 1000  # characters of a refusal: TensorFlow Serving repeats names that may be as long as the body


def _routes(routes: Blueprint, parts: Parts) -> None:
    def predict(model: str, version: str | None = None, label: str | None = None) -> Response:
        with _received(parts, model, version, label) as (call, document):
            name = signature_name(document)
            outputs = parts.direct.predict(call, name, partial(_inputs, document))
            with call.trace.stage("postprocess"):
                return _answer(outputs_text(document, outputs))

    def classify(model: str, version: str | None = None, label: str | None = None) -> Response:
        with _received(parts, model, version, label) as (call, document):
            asked = _filled(messages.ClassificationRequest(), document, parts.router.limits(model).items)
            return _answer(classifications_text(_relayed(parts, call, CLASSIFY, asked).result))

    def regress(model: str, version: str | None = None, label: str | None = None) -> Response:
        with _received(parts, model, version, label) as (call, document):
            asked = _filled(messages.RegressionRequest(), document, parts.router.limits(model).items)
            return _answer(regressions_text(_relayed(parts, call, REGRESS, asked).result))

    def describe(model: str, version: str | None = None, label: str | None = None) -> Response:
        with _asked(parts, model, version, label) as call:
            return _answer(pretty(metadata(parts.direct.metadata(call))))

    def status(model: str, version: str | None = None, label: str | None = None) -> Response:
        """A label is ignored, as it is there."""
        with _asked(parts, model, version, label) as call:
            number = call.wanted if isinstance(call.wanted, int) else None
            try:
                return _answer(pretty(fields(read_status(parts.registry, parts.backend, call, number))))
            except (UnknownModelError, UnknownVersionError) as exc:
                raise no_versions(model, number) from exc

    for path in ("/v1/models/<model>", "/v1/models/<model>/versions/<version>", "/v1/models/<model>/labels/<label>"):
        routes.post(f"{path}:predict")(predict)
        routes.post(f"{path}:classify")(classify)
        routes.post(f"{path}:regress")(regress)
        routes.get(f"{path}/metadata")(describe)
    routes.get("/v1/models/<model>/versions/<version>")(status)
    routes.get("/v1/models/<model>/labels/<label>")(status)


def refuse(refusal: Refusal) -> Response:
    """`{"error": "text"}`. What TensorFlow Serving refuses, too, is refused in its words and with its status."""
    error = refusal.error
    match error:
        case RestError():
            status, text = http_status(error.code), error.message
        case RejectedError():
            status, text = http_status(error.code), refusal.detail
        case UnknownRouteError() | MethodError():
            status, text = 400, malformed().message
        case _:
            status, text = refusal.status, refusal.detail
    return _answer(error_text(text if len(text) <= _TOLD else f"{text[:_TOLD]}…"), status)


def malformed() -> RestError:
    """The request being answered is none of this API."""
    target = request.full_path if request.query_string else request.path
    return RestError(StatusCode.INVALID_ARGUMENT, f"Malformed request: {request.method} {target}")


def no_versions(model: str, version: int | None = None) -> RestError:
    """There is no status."""
    what = "any versions" if version is None else f"version {version}"
    return RestError(StatusCode.NOT_FOUND, f"Could not find {what} of model {model}")


def _answer(text: str, status: int = 200) -> Response:
    return Response(text.encode(errors="surrogateescape"), status, content_type=JSON)


@contextmanager
def _received(
    parts: Parts, model: str, version: str | None, label: str | None
) -> Iterator[tuple[Call, dict[str, Any]]]:
    """The call and the JSON object it brought, while it is its turn to be worked on."""
    wanted = _wanted(model, version, label)
    with exchange.received(parts, model, encodings=("gzip",)) as (deadline, body), _known(model, wanted):
        call = exchange.call(model, deadline, wanted)
        with call.trace.stage("decode"):
            document = parse(_plain(body, parts.router.limits(model).body_bytes))
        yield call, document


@contextmanager
def _asked(parts: Parts, model: str, version: str | None, label: str | None) -> Iterator[Call]:
    """The call of a request without a body."""
    wanted = _wanted(model, version, label)
    with parts.admission.place(), _known(model, wanted):
        yield exchange.call(model, Deadline.after(parts.settings.deadline_s), wanted)


@contextmanager
def _known(model: str, wanted: Wanted) -> Iterator[None]:
    """In TensorFlow Serving's words: what a call asks for is not there."""
    try:
        yield
    except (UnknownModelError, UnknownVersionError) as exc:
        match wanted:
            case str():
                raise RestError(StatusCode.INVALID_ARGUMENT, f"Unrecognized servable version label: {wanted}") from exc
            case int():
                servable = f"Specific({model}, {wanted})"
            case None:
                servable = f"Latest({model})"
        raise RestError(StatusCode.NOT_FOUND, f"Servable not found for request: {servable}") from exc


def _wanted(model: str, version: str | None, label: str | None) -> Wanted:
    """What a path names. Raises `RestError` for one that is none of this API, as every path with a query is."""
    if request.query_string or ":" in model or ":" in (label or ""):
        raise malformed()
    if version is None:
        return label
    if not _VERSION.fullmatch(version):
        raise malformed()
    if len(version) > _INT64_DIGITS or int(version) > INT64_MAX:
        raise RestError(StatusCode.INVALID_ARGUMENT, f"Failed to convert version: {version} to numeric.")
    return int(version)


def _plain(body: bytes, limit_bytes: int) -> bytes:
    if request.headers.get("Content-Encoding", "").strip().lower() != "gzip":
        return body
    try:
        return inflated(body, limit_bytes)
    except InflationError as exc:
        raise OverLimitError("bytes of inflated body", None, limit_bytes, "body_bytes") from exc


def _inputs(document: dict[str, Any], signature: Any, limits: Limits) -> Mapping[str, Array]:
    """What a body brought to a signature. Rows are counted before any becomes a tensor."""
    check_items(row_count(document, signature), limits.items)
    return read_inputs(document, signature)


def _filled(message: Any, document: dict[str, Any], limit: int) -> Any:
    """A `ClassificationRequest` or `RegressionRequest` with the examples of a body, `limit` at most, counted first."""
    with exchange.trace().stage("preprocess"):
        examples = document.get("examples")
        check_items(len(examples) if isinstance(examples, list) else 0, limit)
        fill_request(document, message)
    return message


def _relayed(parts: Parts, call: Call, method: Method, asked: Any) -> Any:
    return parts.pipeline.relay(call, Message(method, asked, (asked.model_spec,), attrgetter("model_spec"))).response


TENSORFLOW_SERVING = Dialect("tensorflow-serving", _routes, tensorflow_serving_api.describe, refuse)
