"""The bodies of REST's `:classify` and `:regress`: JSON to `tensorflow.Example`s, and results to JSON."""

from typing import Any

import numpy as np
from grpc import StatusCode

from wire.errors import RestError
from wire.rest.base64 import b64_bytes, is_b64
from wire.rest.json import quote, show, signature_name, tensor_text, type_name

_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**63, 2**64)


def fill_request(document: dict[str, Any], request: Any) -> None:
    """Fills a `ClassificationRequest` or `RegressionRequest` from a body: its signature and its examples.

    Raises:
        RestError: INVALID_ARGUMENT, with TensorFlow Serving's text.
    """
    name = signature_name(document)
    try:
        request.model_spec.signature_name = name
    except UnicodeEncodeError:
        raise _invalid(f"No signature was found with the name: {name}") from None
    if "context" in document:
        listed = request.input.example_list_with_context
        _fill_example(document["context"], listed.context)
    else:
        listed = request.input.example_list
    for item in _examples(document):
        _fill_example(item, listed.examples.add())


def classifications_text(result: Any) -> str:
    """A `ClassificationResult`: for each example a list of pairs of label and score."""
    rows = []
    for one in result.classifications:
        scores = tensor_text("", np.array([c.score for c in one.classes], np.float32), rows=True)
        pairs = (f"[{quote(c.label)}, {score}]" for c, score in zip(one.classes, scores, strict=True))
        rows.append("[" + ", ".join(pairs) + "]")
    lines = ",\n        ".join(rows)
    return f'{{\n    "results": [\n        {lines}\n    ]\n}}'


def regressions_text(result: Any) -> str:
    """A `RegressionResult`: a number for each example."""
    values = np.array([one.value for one in result.regressions], np.float32)
    return f'{{\n    "results": {tensor_text("", values, rows=False)[0]}\n}}'


def _examples(document: dict[str, Any]) -> list[Any]:
    if "examples" not in document:
        raise _invalid(
            f"JSON Value: {show(document)} When method is classify, key 'examples' is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise _invalid(f"JSON Value: {show(document)} Expecting 'examples' value to be an list/array")
    if not examples:
        raise _invalid(f"JSON Value: {show(document)} 'examples' value is an empty array")
    return examples


def _fill_example(value: Any, example: Any) -> None:
    if not isinstance(value, dict):
        raise _invalid(f"Example must be JSON object but got JSON {type_name(value)}")
    for name, content in value.items():
        try:
            feature = example.features.feature[name]
        except UnicodeEncodeError:
            raise _invalid(f"Feature: {name} has a name that is not UTF-8") from None
        _fill_feature(name, content if isinstance(content, list) else [content], feature)


def _fill_feature(name: str, values: list[Any], feature: Any) -> None:
    """The first value decides on the kind; the others must be of it."""
    kind, numbers = "", []
    for value in values:
        kind_of_value, number = _value(name, value)
        kind = kind or kind_of_value
        if kind_of_value != kind:
            raise _invalid(f"Unexpected element type in feature: {name} expecting type: {kind}")
        numbers.append(number)
    if kind:
        getattr(feature, f"{kind}_list").value.extend(numbers)


def _value(name: str, value: Any) -> tuple[str, Any]:
    """The kind of feature that a JSON value belongs to, and what it is there."""
    match value:
        case bool():
            return "int64", int(value)
        case str():
            return "bytes", value.encode(errors="surrogateescape")
        case dict() if is_b64(value):
            return "bytes", b64_bytes(value)
        case int() if value in _INT64:
            return "int64", value
        case int() if value in _UINT64:
            raise _invalid(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
        case int() | float():  # a whole number beyond 64 bits is a float to the parser
            return "float", float(value)
    raise _invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(value)}")


def _invalid(message: str) -> RestError:
    return RestError(StatusCode.INVALID_ARGUMENT, message)
