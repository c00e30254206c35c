"""TensorFlow Serving's services through the gateway: messages go on as they are, to a version that it has checked.

A request that names no version is answered by the gateway's choice, not by the newest that is loaded.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from grpc import StatusCode

from gateway.call import Call
from gateway.errors import (
    BrokenAnswerError,
    NotOfferedError,
    OverLimitError,
    RejectedError,
)
from gateway.grpc.calls import Asked, Rpc
from gateway.message import Message
from gateway.model import Wanted
from gateway.model_status import read_status
from gateway.parts import Parts
from gateway.signatures import hide_private
from gateway.tasks.base import SERVING_SIGNATURE
from gateway.tensors import TensorCall, check_count
from wire.methods import (
    CLASSIFY,
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    MULTI_INFERENCE,
    PREDICT,
    REGRESS,
    RELOAD_CONFIG,
    Method,
)

_DIALECT = "tensorflow-serving"


def rpcs(parts: Parts) -> Sequence[Rpc]:
    return (
        Rpc(PREDICT, _DIALECT, lambda request, asked: _predict(parts, request, asked)),
        Rpc(CLASSIFY, _DIALECT, lambda request, asked: _examples(parts, CLASSIFY, request, asked)),
        Rpc(REGRESS, _DIALECT, lambda request, asked: _examples(parts, REGRESS, request, asked)),
        Rpc(MULTI_INFERENCE, _DIALECT, lambda request, asked: _multi_inference(parts, request, asked)),
        Rpc(GET_MODEL_METADATA, _DIALECT, lambda request, asked: _metadata(parts, request, asked), work=False),
        Rpc(GET_MODEL_STATUS, _DIALECT, lambda request, asked: _status(parts, request, asked), work=False),
        Rpc(RELOAD_CONFIG, _DIALECT, _reload_config, work=False),
    )


def _predict(parts: Parts, request: Any, asked: Asked) -> Any:
    call = _call(request, asked)
    check_count("inputs", request.inputs)
    check_count("outputs", request.output_filter)
    signature = request.model_spec.signature_name or SERVING_SIGNATURE
    tensors = TensorCall(request, signature, tuple(request.output_filter), asked.tensor_content)
    return parts.pipeline.predict(call, tensors).response


def _examples(parts: Parts, method: Method, request: Any, asked: Asked) -> Any:
    call = _call(request, asked)
    _check_examples(request.input, parts.router.limits(call.model).items)
    message = Message(method, request, (request.model_spec,), attrgetter("model_spec"))
    return parts.pipeline.relay(call, message).response


def _multi_inference(parts: Parts, request: Any, asked: Asked) -> Any:
    limit = parts.router.limits(request.tasks[0].model_spec.name if request.tasks else None).items
    _check_examples(request.input, limit)
    if len(request.tasks) > limit:
        raise OverLimitError("tasks", len(request.tasks), limit, "items")
    if not request.tasks:
        raise _invalid("MultiInference has no tasks; expected one or more")
    calls = [_call(task, asked) for task in request.tasks]
    if len({(call.model, call.wanted) for call in calls}) > 1:
        raise _invalid("the tasks of MultiInference name several models or versions; expected one")
    specs = tuple(task.model_spec for task in request.tasks)
    return parts.pipeline.relay(calls[0], Message(MULTI_INFERENCE, request, specs, _first_spec)).response


def _metadata(parts: Parts, request: Any, asked: Asked) -> Any:
    call = _call(request, asked)
    request.model_spec.signature_name = ""  # says nothing here
    message = Message(GET_MODEL_METADATA, request, (request.model_spec,), attrgetter("model_spec"))
    response = parts.pipeline.by_version(call, lambda version: parts.pipeline.send(call, message, version)).response
    hide_private(response)
    return response


def _status(parts: Parts, request: Any, asked: Asked) -> Any:
    """Of all versions, or of the one that is named by its number."""
    call = _call(request, asked)
    number = call.wanted if isinstance(call.wanted, int) else None
    return read_status(parts.registry, parts.backend, call, number)


def _reload_config(_request: Any, _asked: Asked) -> Any:
    raise NotOfferedError("HandleReloadConfigRequest", "configure the model server itself")


def _call(request: Any, asked: Asked) -> Call:
    """With TensorFlow Serving's words for a request that names no model."""
    if not request.HasField("model_spec"):
        raise _invalid("Missing ModelSpec")
    if not request.model_spec.name:
        raise _invalid("ModelSpec has no name specified.")
    return asked.call(request.model_spec.name, _wanted(request.model_spec))


def _wanted(spec: Any) -> Wanted:
    match spec.WhichOneof("version_choice"):
        case "version":
            number: int = spec.version.value
            return number
        case "version_label":
            label: str = spec.version_label
            return label
        case _:
            return None


def _check_examples(given: Any, limit: int) -> None:
    kind = given.WhichOneof("kind")
    count = len(getattr(given, kind).examples) if kind else 0
    if count > limit:
        raise OverLimitError("examples", count, limit, "items")


def _first_spec(response: Any) -> Any:
    if not response.results:
        raise BrokenAnswerError("the model server answered MultiInference with no results")
    return response.results[0].model_spec


def _invalid(message: str) -> RejectedError:
    return RejectedError(StatusCode.INVALID_ARGUMENT, message)
