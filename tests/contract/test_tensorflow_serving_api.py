"""TensorFlow Serving's own stubs against the server: numbers, codes and texts."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.contract.conftest import LABEL, VERSION, Server
from tests.support import saved_models
from wire.client import ModelServerClient

A, B = np.array([1], "f4"), np.array([2], "f4")
INVALID, MISSING = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND


class Stubs:
    def __init__(self, channel: grpc.Channel) -> None:
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(channel)

    def predict(self, name: str, signature: str = "", outputs: tuple[str, ...] = (), **inputs: Any) -> Any:
        request = predict_pb2.PredictRequest(
            model_spec=model_pb2.ModelSpec(name=name, signature_name=signature), output_filter=outputs
        )
        for alias, value in inputs.items():
            request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
        return self.prediction.Predict(request, 60)


@pytest.fixture(scope="module")
def stubs(server: Server) -> Iterator[Stubs]:
    with grpc.insecure_channel(server.grpc) as channel:
        yield Stubs(channel)


def failure(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details() or ""


def spec(**fields: Any) -> Any:
    if "version" in fields:
        fields["version"] = {"value": fields["version"]}
    return model_pb2.ModelSpec(**fields)


def test_predict_gives_the_numbers_of_the_saved_model(stubs: Stubs) -> None:
    x = np.random.default_rng(1).normal(size=(5, 3)).astype("f4")
    response = stubs.predict("plus", x=x)
    loaded = tf.saved_model.load(str(saved_models.folder() / "plus-2"))
    expected = loaded.signatures["serving_default"](x=tf.constant(x))["y"].numpy()
    assert_allclose(tf.make_ndarray(response.outputs["y"]), expected, atol=1e-6)
    assert response.model_spec == spec(name="plus", version=VERSION, signature_name="serving_default")


@pytest.mark.parametrize("x", [3.0, [3.0], [[1.0, 2.0]], np.zeros((0,), "f4"), np.zeros((2, 0), "f4")])
def test_any_shape_the_graph_takes(stubs: Stubs, x: Any) -> None:
    x = np.asarray(x, "f4")
    assert_allclose(tf.make_ndarray(stubs.predict("plus", x=x).outputs["y"]), x / 2 + 2)


def test_typed_values_and_a_repeated_value(stubs: Stubs) -> None:
    request = predict_pb2.PredictRequest(model_spec=spec(name="plus"))
    request.inputs["x"].dtype = 1
    request.inputs["x"].tensor_shape.dim.add(size=3)
    request.inputs["x"].float_val.extend([2, 4])
    assert tf.make_ndarray(stubs.prediction.Predict(request, 60).outputs["y"]).tolist() == [3, 4, 4]


def test_strings_keep_every_byte(stubs: Stubs) -> None:
    response = stubs.predict("many", "strings", text=[b"a\0", b"\xff"])
    assert tf.make_ndarray(response.outputs["text"]).tolist() == [b"a\0", b"\xff"]
    joined = stubs.predict("many", "joined", text=[b"a\0", b"\xff\0"]).outputs
    assert not joined["all"].tensor_shape.dim
    assert list(joined["all"].string_val) == [b"a\0\xff\0"]


@pytest.mark.parametrize("name", ["int8", "uint8", "int16", "int32", "int64", "uint32"])
def test_integers(stubs: Stubs, name: str) -> None:
    extremes = {n: [np.iinfo(n).min, np.iinfo(n).max] for n in ("int8", "uint8", "int16", "int32", "int64", "uint32")}
    inputs = {n: np.array(v, n) for n, v in extremes.items()}
    response = stubs.predict("many", "integers", (name,), **inputs)
    assert list(response.outputs) == [name]
    assert tf.make_ndarray(response.outputs[name]).tolist() == extremes[name]


def test_half_and_bool(stubs: Stubs) -> None:
    half = tf.make_ndarray(stubs.predict("many", "half", x=np.array([0.1, 65504], "f2")).outputs["y"])
    assert half.dtype == np.float16
    assert half.tolist() == np.array([0.1, 65504], "f2").tolist()
    assert tf.make_ndarray(stubs.predict("many", "bool", x=[True, False]).outputs["y"]).tolist() == [False, True]


def test_output_filter(stubs: Stubs) -> None:
    response = stubs.predict("many", outputs=("sum",), a=A, b=B)
    assert list(response.outputs) == ["sum"]


@pytest.mark.parametrize(
    ("predict", "code", "text"),
    [
        (lambda s: s.predict(""), INVALID, "ModelSpec has no name specified."),
        (lambda s: s.predict("none"), MISSING, "Servable not found for request: Latest(none)"),
        (lambda s: s.predict("plus", "none", x=A), grpc.StatusCode.FAILED_PRECONDITION,
         'Serving signature key "none" not found.'),
        (lambda s: s.predict("many", a=A), INVALID, "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
         "Sent extra: {}. Missing but required: {b}."),
        (lambda s: s.predict("plus", x=A, z=B), INVALID, "input size does not match signature: 2!=1 len({x,z}) != "
         "len({x}). Sent extra: {z}. Missing but required: {}."),
        (lambda s: s.predict("plus", z=A), INVALID, "Signature input alias: x(feed name: serving_default_x:0) not "
         "found in request and no default value provided. Inputs expected to be in the request {z}, or default "
         "input alias set: {}"),
        (lambda s: s.predict("plus", outputs=("z",), x=A), INVALID,
         "output tensor alias not found in signature: z Outputs expected to be in the set {y}."),
        (lambda s: s.predict("plus", outputs=("y", "y"), x=A), INVALID, "duplicate output tensor alias: y"),
        (lambda s: s.predict("plus", x=np.array([1], "i4")), INVALID,
         "Expects arg[0] to be float but int32 is provided"),
        (lambda s: s.predict("plus", x=[b"a"]), INVALID, "Expects arg[0] to be float but string is provided"),
    ],
)  # fmt: skip
def test_predict_failures(stubs: Stubs, predict: Callable[[Stubs], object], code: grpc.StatusCode, text: str) -> None:
    assert failure(lambda: predict(stubs)) == (code, text)


def test_the_graph_refuses_a_shape(stubs: Stubs) -> None:
    code, text = failure(lambda: stubs.predict("many", "matmul", x=np.ones((1, 3), "f4")))
    assert code is INVALID
    assert text.startswith("Matrix size-incompatible: In[0]: [1,3], In[1]: [4,2]\n\t [[{{node ")


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"version": 3}, MISSING, "Servable not found for request: Specific(plus, 3)"),
        ({"version_label": "none"}, INVALID, "Unrecognized servable version label: none"),
    ],
)
def test_versions_that_are_not_there(stubs: Stubs, fields: Any, code: grpc.StatusCode, text: str) -> None:
    request = predict_pb2.PredictRequest(model_spec=spec(name="plus", **fields))
    assert failure(lambda: stubs.prediction.Predict(request, 60)) == (code, text)


def test_a_label_leads_to_its_version_and_is_not_echoed(stubs: Stubs) -> None:
    request = predict_pb2.PredictRequest(model_spec=spec(name="plus", version_label=LABEL))
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(A))
    response = stubs.prediction.Predict(request, 60)
    assert response.model_spec == spec(name="plus", version=VERSION, signature_name="serving_default")


def test_which_version_has_a_label_is_learnt_without_running_it(server: Server) -> None:
    with ModelServerClient(server.grpc) as client:
        assert client.labelled("plus", LABEL, timeout_s=60) == VERSION
        assert client.labelled("plus", "none", timeout_s=60) is None
        assert client.labelled("unknown", LABEL, timeout_s=60) is None


@pytest.mark.parametrize(
    ("signature", "given", "field", "values"),
    [
        ("double", np.array([1 / 3]), "double_val", [1 / 3]),
        ("half", np.array([1, -2], "f2"), "half_val", [0x3C00, 0xC000]),
        ("bool", np.array([True, False]), "bool_val", [False, True]),
        ("complex", np.array([1 + 2j], "c8"), "scomplex_val", [1, -2]),
        ("complex128", np.array([1 + 2j]), "dcomplex_val", [1, -2]),
        ("uint16", np.array([65535], "u2"), "int_val", [65535]),
        ("uint64", np.array([2**64 - 1], "u8"), "uint64_val", [2**64 - 1]),
    ],
)
def test_answers_are_typed_values(stubs: Stubs, signature: str, given: Any, field: str, values: list[Any]) -> None:
    y = stubs.predict("many", signature, x=given).outputs["y"]
    assert (list(getattr(y, field)), y.tensor_content) == (values, b"")


def test_state_lasts(stubs: Stubs) -> None:
    before = tf.make_ndarray(stubs.predict("counter", "get").outputs["count"])
    stubs.predict("counter", "incr", delta=np.float32(2))
    assert tf.make_ndarray(stubs.predict("counter", "get").outputs["count"]) == before + 2


def test_more_values_than_elements_are_not_looked_at(stubs: Stubs) -> None:
    request = predict_pb2.PredictRequest(model_spec=spec(name="plus"))
    request.inputs["x"].dtype = 1
    request.inputs["x"].tensor_shape.dim.add(size=1)
    request.inputs["x"].float_val.extend([2, 4])
    assert tf.make_ndarray(stubs.prediction.Predict(request, 60).outputs["y"]).tolist() == [3]


def test_requests_without_model_spec(stubs: Stubs) -> None:
    for call in (
        lambda: stubs.prediction.Predict(predict_pb2.PredictRequest(), 60),
        lambda: stubs.prediction.GetModelMetadata(get_model_metadata_pb2.GetModelMetadataRequest(), 60),
        lambda: stubs.model.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(), 60),
    ):
        assert failure(call) == (INVALID, "Missing ModelSpec")


def test_a_tensor_that_does_not_decode(stubs: Stubs) -> None:
    request = predict_pb2.PredictRequest(model_spec=spec(name="plus"))
    request.inputs["x"].dtype = 1
    request.inputs["x"].tensor_shape.dim.add(size=2)
    request.inputs["x"].tensor_content = b"12345"
    assert failure(lambda: stubs.prediction.Predict(request, 60)) == (INVALID, "tensor parsing error: x")


def test_the_deadline_of_the_client_ends_the_run(stubs: Stubs) -> None:
    request = predict_pb2.PredictRequest(model_spec=spec(name="slow"))
    request.inputs["steps"].CopyFrom(tf.make_tensor_proto(10**9, dtype=tf.int32))
    code, _ = failure(lambda: stubs.prediction.Predict(request, 0.3))
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED


def metadata(stubs: Stubs, *fields: str, **model: Any) -> Any:
    request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec(**model), metadata_field=fields)
    return stubs.prediction.GetModelMetadata(request, 60)


def test_metadata(stubs: Stubs) -> None:
    response = metadata(stubs, "signature_def", name="many")
    assert response.model_spec == spec(name="many", version=VERSION)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    assert {"serving_default", "strings", "__saved_model_init_op"} <= set(found.signature_def)
    assert found.signature_def["serving_default"].inputs["a"].dtype == tf.float32.as_datatype_enum


@pytest.mark.parametrize(
    ("fields", "name", "code", "text"),
    [
        ((), "plus", INVALID, "GetModelMetadataRequest must specify at least one metadata_field"),
        (("other",), "plus", INVALID, "Metadata field other is not supported"),
        (("signature_def",), "none", MISSING, "Servable not found for request: Latest(none)"),
        (("signature_def",), "", INVALID, "ModelSpec has no name specified."),
    ],
)
def test_metadata_failures(stubs: Stubs, fields: tuple[str, ...], name: str, code: grpc.StatusCode, text: str) -> None:
    assert failure(lambda: metadata(stubs, *fields, name=name)) == (code, text)


def status(stubs: Stubs, **model: Any) -> Any:
    return stubs.model.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(model_spec=spec(**model)), 60)


@pytest.mark.parametrize("model", [{"name": "plus"}, {"name": "plus", "version": VERSION},
                                   {"name": "plus", "version_label": "ignored"}])  # fmt: skip
def test_status(stubs: Stubs, model: Any) -> None:
    (line,) = status(stubs, **model).model_version_status
    assert (line.version, line.state) == (VERSION, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    assert (line.status.error_code, line.status.error_message) == (0, "")


def test_status_failures(stubs: Stubs) -> None:
    assert failure(lambda: status(stubs, name="none")) == (MISSING, "Could not find any versions of model none")
    assert failure(lambda: status(stubs, name="plus", version=3)) == (MISSING, "Could not find version 3 of model plus")
