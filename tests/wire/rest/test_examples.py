"""Bodies of `:classify` and `:regress`: JSON to Examples, and results to JSON."""

from typing import Any

import pytest
from grpc import StatusCode

from wire import messages
from wire.errors import RestError
from wire.rest.examples import classifications_text, fill_request, regressions_text


def read(document: dict[str, Any]) -> Any:
    request = messages.ClassificationRequest()
    fill_request(document, request)
    return request


@pytest.mark.parametrize(
    ("value", "kind", "values"),
    [
        (1.5, "float_list", [1.5]),
        ([1.0, float("inf")], "float_list", [1, float("inf")]),
        (2, "int64_list", [2]),
        ([True, False, 3], "int64_list", [1, 0, 3]),
        ([-(2**63), 2**63 - 1], "int64_list", [-(2**63), 2**63 - 1]),
        (float(2**70), "float_list", [float(2**70)]),
        ("ü", "bytes_list", ["ü".encode()]),
        (["\udcff", {"b64": "/wA="}], "bytes_list", [b"\xff", b"\xff\x00"]),
    ],
)
def test_features(value: Any, kind: str, values: list[Any]) -> None:
    (example,) = read({"examples": [{"x": value}]}).input.example_list.examples
    feature = example.features.feature["x"]
    assert feature.WhichOneof("kind") == kind
    assert list(getattr(feature, kind).value) == values


def test_an_empty_list_is_a_feature_of_no_kind() -> None:
    (example,) = read({"examples": [{"x": []}]}).input.example_list.examples
    assert example.features.feature["x"].WhichOneof("kind") is None


def test_signature_context_and_examples() -> None:
    request = read({"signature_name": "s", "context": {"c": 1.0}, "examples": [{}, {"x": 2.0}], "other": 1})
    assert request.model_spec.signature_name == "s"
    listed = request.input.example_list_with_context
    assert listed.context.features.feature["c"].float_list.value == [1]
    assert [list(example.features.feature) for example in listed.examples] == [[], ["x"]]


EXPECTED = "JSON Value: {} When method is classify, key 'examples' is expected and was not found"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, EXPECTED),
        ({"examples": 1}, 'JSON Value: {\n    "examples": 1\n} Expecting \'examples\' value to be an list/array'),
        ({"examples": []}, 'JSON Value: {\n    "examples": []\n} \'examples\' value is an empty array'),
        ({"examples": [1]}, "Example must be JSON object but got JSON Number"),
        ({"context": [], "examples": [{}]}, "Example must be JSON object but got JSON Array"),
        ({"signature_name": 1}, 'JSON Value: {\n    "signature_name": 1\n} not formatted correctly. '
         "'signature_name' key must be a string value."),
        ({"examples": [{"x": [1.0, 2]}]}, "Unexpected element type in feature: x expecting type: float"),
        ({"examples": [{"x": [2, 1.0]}]}, "Unexpected element type in feature: x expecting type: int64"),
        ({"examples": [{"x": ["a", True]}]}, "Unexpected element type in feature: x expecting type: bytes"),
        ({"examples": [{"x": None}]}, "Feature: x has element with unexpected JSON type: Null"),
        ({"examples": [{"x": [[1]]}]}, "Feature: x has element with unexpected JSON type: Array"),
        ({"examples": [{"x": {"a": 1}}]}, "Feature: x has element with unexpected JSON type: Object"),
        ({"examples": [{"x": {"b64": "?"}}]}, "Unable to base64 decode"),
        ({"examples": [{"x": 2**63}]}, "Feature: x has uint64_t element. Only int64_t is supported."),
        ({"examples": [{"\udcff": 1}]}, "Feature: \udcff has a name that is not UTF-8"),
        ({"signature_name": "\udcff", "examples": [{}]}, "No signature was found with the name: \udcff"),
    ],
)  # fmt: skip
def test_what_does_not_fit(document: dict[str, Any], message: str) -> None:
    with pytest.raises(RestError) as caught:
        read(document)
    assert (caught.value.code, caught.value.message) == (StatusCode.INVALID_ARGUMENT, message)


def test_results() -> None:
    classes = messages.ClassificationResponse().result
    for label, score in (('a "b"', 0.1), ("", float("nan"))):
        classes.classifications.add().classes.add(label=label, score=score)
    text = '{\n    "results": [\n        [["a \\"b\\"", 0.1]],\n        [["", NaN]]\n    ]\n}'
    assert classifications_text(classes) == text
    values = messages.RegressionResponse().result
    for value in (2, 1 / 3):
        values.regressions.add(value=value)
    assert regressions_text(values) == '{\n    "results": [2.0, 0.333333343]\n}'
