"""TensorFlow Serving's REST API as the OpenAPI document describes it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.body import JSON
from gateway.openapi import CHOICE, MODEL, PIN, REFUSALS, Description, json, ref

_STATUS = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
_ROW = {"logits": [-4.17652, 4.17652], "probabilities": [0.000235587, 0.999764383]}

# The path of a model's version, and the parameters in it: the one the gateway chooses, or the caller's.
_VERSION = {"name": "version", "in": "path", "required": True, "schema": {"type": "string", "pattern": r"^\d+$"}}
_LABEL = {"name": "label", "in": "path", "required": True, "schema": {"type": "string"}, "example": "stable"}
_CHOSEN: dict[str, list[Any]] = {
    "/v1/models/{model}": [MODEL],
    "/v1/models/{model}/versions/{version}": [MODEL, {**_VERSION, "example": "1"}],
    "/v1/models/{model}/labels/{label}": [MODEL, _LABEL],
}

_REFUSALS = {
    **REFUSALS,
    400: "What TensorFlow Serving refuses with this status, in its words",
    404: "No such model or version is loaded",
    413: "Over one of the gateway's limits, which is named",
    501: "A data type that JSON does not have",
}


def _examples(*examples: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": list(examples)})


class ServingFailure(BaseModel):
    """What TensorFlow Serving's clients read."""

    model_config = _examples({"error": "Servable not found for request: Latest(nobody)"})

    error: str


class ServingPredictBody(BaseModel):
    """Either `instances`, row by row, or `inputs`, column by column; other keys are ignored. Bytes: `{"b64": "…"}`."""

    model_config = _examples({"instances": [[2, 5, 3]]}, {"signature_name": "serving_default", "inputs": [[2, 5, 3]]})

    signature_name: str | None = None
    instances: list[JsonValue] | None = Field(None, min_length=1)
    inputs: JsonValue = None


class ServingPredictions(BaseModel):
    """An element for each row: a value, or an object by the outputs' names if there are several."""

    model_config = _examples({"predictions": [_ROW]})

    predictions: list[JsonValue]


class ServingOutputs(BaseModel):
    """A tensor, or an object of tensors by the outputs' names if there are several."""

    model_config = _examples({"outputs": {name: [value] for name, value in _ROW.items()}})

    outputs: JsonValue


class ServingExamplesBody(BaseModel):
    """Features by name, for each example; those of the `context` are every example's."""

    model_config = _examples({"examples": [{"x": 4.0}, {"x": 500.0}]})

    signature_name: str | None = None
    context: dict[str, JsonValue] | None = None
    examples: list[dict[str, JsonValue]] = Field(min_length=1)


class ServingClassifications(BaseModel):
    """For each example pairs of label and score."""

    model_config = _examples({"results": [[["cat", 0.9], ["dog", 0.1]]]})

    results: list[list[tuple[str, float]]]


class ServingRegressions(BaseModel):
    """A number for each example."""

    model_config = _examples({"results": [3.0, 12.0]})

    results: list[float]


class ServingVersionError(BaseModel):
    """`OK` and nothing, or why the version does not load; of one that does, why the gateway does not let it answer."""

    error_code: str
    error_message: str


class ServingVersionStatus(BaseModel):
    """`state` is START, LOADING, AVAILABLE, UNLOADING or END."""

    version: str
    state: str
    status: ServingVersionError


class ServingStatus(BaseModel):
    """The versions of a model that the model server knows."""

    model_config = _examples({"model_version_status": [_STATUS]})

    model_version_status: list[ServingVersionStatus]


class ServingMetadata(BaseModel):
    """A version, and its signatures with the names, data types and shapes of their tensors."""

    model_spec: dict[str, str]
    metadata: dict[str, JsonValue]


def describe() -> Description:
    paths: dict[str, Any] = {}
    for path, parameters in _CHOSEN.items():
        paths[f"{path}:predict"] = _verb(
            "Run a signature on tensors", parameters, ServingPredictBody, ServingPredictions, ServingOutputs
        )
        paths[f"{path}:classify"] = _verb(
            "Classify examples, by a signature made for that", parameters, ServingExamplesBody, ServingClassifications
        )
        paths[f"{path}:regress"] = _verb(
            "A number for each example, by a signature made for that",
            parameters,
            ServingExamplesBody,
            ServingRegressions,
        )
        paths[f"{path}/metadata"] = _get("The signatures of a version", parameters, ServingMetadata, 403, 412, 422)
        if path.endswith("}") and len(parameters) > 1:
            paths[path] = _get("The state of a model's versions", parameters, ServingStatus)
    return Description(
        paths,
        (
            ServingFailure, ServingPredictBody, ServingPredictions, ServingOutputs, ServingExamplesBody,
            ServingClassifications, ServingRegressions, ServingStatus, ServingMetadata,
        ),
    )  # fmt: skip


def refused(*statuses: int) -> dict[str, Any]:
    content = {JSON: {"schema": ref(ServingFailure)}}
    return {str(status): {"description": _REFUSALS[status], "content": content} for status in statuses}


def _verb(summary: str, parameters: list[Any], body: type[BaseModel], *answers: type[BaseModel]) -> dict[str, Any]:
    schemas = [ref(answer) for answer in answers]
    content = {JSON: {"schema": {"anyOf": schemas} if len(schemas) > 1 else schemas[0]}}
    operation = {
        "summary": summary,
        "description": "As TensorFlow Serving has it, with its texts for what it refuses, and the gateway's limits.",
        "parameters": [PIN, CHOICE],
        "requestBody": {"required": True, "content": json(body)},
        "responses": {
            "200": {"description": "The answer; NaN and infinities are bare words", "content": content},
            **refused(400, 403, 404, 408, 412, 413, 415, 422, 500, 501, 502, 503, 504),
        },
    }
    return {"parameters": parameters, "post": operation}


def _get(summary: str, parameters: list[Any], answer: type[BaseModel], *refusals: int) -> dict[str, Any]:
    operation = {
        "summary": summary,
        "parameters": [PIN, CHOICE] if 412 in refusals else [],
        "responses": {
            "200": {"description": summary, "content": json(answer)},
            **refused(*sorted((400, 404, 500, 502, 503, 504, *refusals))),
        },
    }
    return {"parameters": parameters, "get": operation}
