"""The REST interface apart from HTTP: method, target and body in, status and JSON out."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote_to_bytes

from grpc import StatusCode

from serving.control_plane import ControlPlane
from serving.dataplane import Dataplane
from serving.errors import Code, RequestError
from serving.request_metrics import Answered
from serving.rest.predict import predict_json
from store.layout import INT64_MAX
from wire import messages
from wire.errors import RestError
from wire.methods import DEFAULT_SIGNATURE
from wire.rest.documents import error_text, fields, http_status, metadata, pretty
from wire.rest.examples import classifications_text, fill_request, regressions_text
from wire.rest.json import parse, signature_name

_MODEL = r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(_MODEL + ":predict", re.IGNORECASE | re.ASCII)
_CLASSIFY = re.compile(_MODEL + ":classify", re.IGNORECASE | re.ASCII)
_REGRESS = re.compile(_MODEL + ":regress", re.IGNORECASE | re.ASCII)
_STATUS = re.compile(_MODEL, re.IGNORECASE | re.ASCII)
_METADATA = re.compile(_MODEL + "/metadata", re.IGNORECASE | re.ASCII)
_MODELS = re.compile("/v1/models/?")

_INT64_DIGITS = 4000  # more than these Python does not convert; leading zeros are fine


class _VersionTooBigError(RequestError):
    def __init__(self, digits: str) -> None:
        super().__init__(Code.INVALID_ARGUMENT, f"Failed to convert version: {digits} to numeric.")


@dataclass(frozen=True)
class Answer:
    """An HTTP status and a JSON document; and for those who count, what was asked and what became of it."""

    status: int
    body: bytes
    method: str = ""  # the route's name; "" for a request that has none
    code: Code = Code.OK
    what: Answered = field(default_factory=Answered)

    @classmethod
    def of(cls, status: int, text: str) -> "Answer":
        return cls(status, text.encode(errors="surrogateescape"))


# The spec of a path and a body become a document, and what it turned out to be about.
Handler = Callable[[Any, bytes], tuple[str, Answered]]


class RestApi:
    """Answers REST requests. Thread-safe."""

    def __init__(self, dataplane: Dataplane, control_plane: ControlPlane, *, timeout_s: float) -> None:
        """`timeout_s` limits the load that a lazy server may have to do first, and each run of a signature."""
        self._dataplane = dataplane
        self._control_plane = control_plane
        self._timeout_s = timeout_s
        self._routes: Sequence[tuple[str, str, re.Pattern[str], Handler]] = (
            ("POST", "predict", _PREDICT, self._predict),
            ("POST", "classify", _CLASSIFY, self._classify),
            ("POST", "regress", _REGRESS, self._regress),
            ("GET", "status", _STATUS, self._status),
            ("GET", "metadata", _METADATA, self._metadata),
            ("GET", "models", _MODELS, self._models),
        )

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """`target` is the path with its query string, as sent; no query string is part of the interface."""
        route, what = "", Answered()
        try:
            for verb, name, pattern, handler in self._routes:
                if method == verb and (match := pattern.fullmatch(target)):
                    route, spec = name, _model_spec(match)
                    what = Answered(spec.name)
                    text, what = handler(spec, body)
                    return replace(Answer.of(200, text), method=route, what=what)
            raise RequestError(Code.INVALID_ARGUMENT, f"Malformed request: {method} {target}")
        except _VersionTooBigError as exc:
            return Answer(400, b"", code=exc.code)  # TensorFlow Serving keeps the message to itself
        except RequestError as exc:
            code, message = exc.code, exc.message
        except RestError as exc:
            code, message = Code[exc.code.name], exc.message
        refused = error(http_status(StatusCode[code.name]), message, code)
        return replace(refused, method=route, what=what)

    def refusal(self, method: str, target: str, status: int, message: str, code: Code) -> Answer:
        """An error from around the interface, with what the path asked for."""
        refused = error(status, message, code)
        for verb, name, pattern, _ in self._routes:
            if method == verb and (match := pattern.fullmatch(target)):
                with suppress(RequestError):
                    return replace(refused, method=name, what=Answered(_model_spec(match).name))
        return refused

    def _predict(self, spec: Any, body: bytes) -> tuple[str, Answered]:
        document = parse(body)
        name = signature_name(document)
        with self._dataplane.call(spec, "Predict", self._timeout_s) as call:
            text = predict_json(call, document)
            return text, Answered(spec.name, str(call.servable.version), name or DEFAULT_SIGNATURE)

    def _classify(self, spec: Any, body: bytes) -> tuple[str, Answered]:
        request = messages.ClassificationRequest(model_spec=spec)
        fill_request(parse(body), request)
        response = self._dataplane.classify(request, self._timeout_s)
        return classifications_text(response.result), _answered(response.model_spec)

    def _regress(self, spec: Any, body: bytes) -> tuple[str, Answered]:
        request = messages.RegressionRequest(model_spec=spec)
        fill_request(parse(body), request)
        response = self._dataplane.regress(request, self._timeout_s)
        return regressions_text(response.result), _answered(response.model_spec)

    def _status(self, spec: Any, _body: bytes) -> tuple[str, Answered]:
        response = self._control_plane.status(messages.GetModelStatusRequest(model_spec=spec))
        return pretty(fields(response)), Answered(spec.name)

    def _metadata(self, spec: Any, _body: bytes) -> tuple[str, Answered]:
        request = messages.GetModelMetadataRequest(model_spec=spec, metadata_field=["signature_def"])
        response = self._dataplane.metadata(request, self._timeout_s)
        return pretty(metadata(response)), Answered(spec.name, str(response.model_spec.version.value))

    def _models(self, _spec: Any, _body: bytes) -> tuple[str, Answered]:
        """Every model with its versions and labels. Ours: TensorFlow Serving cannot tell."""
        document = fields(self._control_plane.list_models(messages.ListModelsRequest()))
        for model in document["models"]:
            model["versions"] = [{**version["status"], "runtime": version["runtime"]} for version in model["versions"]]
        return pretty(document), Answered()


def error(status: int, message: str, code: Code) -> Answer:
    return replace(Answer.of(status, error_text(message)), code=code)


def _model_spec(match: re.Match[str]) -> Any:
    """The `ModelSpec` of a path; one of a path without a model is empty."""
    found = match.groupdict()
    if "model" not in found:
        return messages.ModelSpec()
    spec = messages.ModelSpec(name=_percent_decoded(found["model"]))
    if (digits := found["version"]) is not None:
        if len(digits) > _INT64_DIGITS or int(digits) > INT64_MAX:
            raise _VersionTooBigError(digits)
        spec.version.value = int(digits)
    elif found["label"] is not None:
        spec.version_label = _percent_decoded(found["label"])
    return spec


def _percent_decoded(part: str) -> str:
    try:
        return unquote_to_bytes(part).decode()
    except UnicodeDecodeError as exc:
        raise _invalid(f"Malformed request: {part} is not percent-encoded UTF-8") from exc


def _answered(spec: Any) -> Answered:
    return Answered(spec.name, str(spec.version.value), spec.signature_name)


def _invalid(message: str) -> RequestError:
    return RequestError(Code.INVALID_ARGUMENT, message)
