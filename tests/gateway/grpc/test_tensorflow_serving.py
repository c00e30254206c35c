"""TensorFlow Serving's own stubs against the gateway: its answers, its choice of the version, its limits."""

import json
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from store.labels import Labels
from tests.gateway.conftest import Shelf
from tests.gateway.grpc.calls import ask, failure
from tests.support.processes import GatewayProcess, ModelServerProcess, until
from tests.support.proxy import Proxy
from tests.support.small_models import SENTIMENTS, picture
from wire.messages import ListModelsRequest
from wire.methods import LIST_MODELS

CODE = grpc.StatusCode
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)


class Stubs:
    def __init__(self, channel: grpc.Channel) -> None:
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(channel)

    def predict(self, request: Any, **options: Any) -> Any:
        return self.prediction.Predict(request, **{"timeout": 60, **options})


@pytest.fixture(scope="module")
def stubs(channel: grpc.Channel) -> Stubs:
    return Stubs(channel)


def spec(name: str, **fields: Any) -> Any:
    if "version" in fields:
        fields["version"] = {"value": fields["version"]}
    return model_pb2.ModelSpec(name=name, **fields)


def request(name: str, fields: dict[str, Any] | None = None, outputs: tuple[str, ...] = (), **inputs: Any) -> Any:
    made = predict_pb2.PredictRequest(model_spec=spec(name, **(fields or {})), output_filter=outputs)
    for alias, value in inputs.items():
        made.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return made


def examples(*weights: float) -> Any:
    made = [tf.train.Example() for _ in weights]
    for example, weight in zip(made, weights, strict=True):
        example.features.feature["weight"].float_list.value.append(weight)
    return {"example_list": {"examples": made}}


# --- Predict


def test_tensors_are_answered_with_the_native_dialect_s_numbers(stubs: Stubs, gateway: GatewayProcess) -> None:
    [native] = gateway.post("/models/sentiment", json.dumps({"inputs": "good a film"}).encode()).json()
    response = stubs.predict(request("sentiment", token_ids=np.array([[5, 8, 9]], np.int32)))
    [probabilities] = tf.make_ndarray(response.outputs["probabilities"])
    expected = {line["label"]: line["score"] for line in native}
    assert_allclose(probabilities, [expected[label] for label in SENTIMENTS], atol=1e-6)


def test_encoded_pictures_are_answered_by_the_signature_raw(stubs: Stubs, gateway: GatewayProcess) -> None:
    best = gateway.post("/models/strokes", picture()).json()[0]
    response = stubs.predict(request("strokes", {"signature_name": "raw"}, image_bytes=[picture()]))
    assert tf.make_ndarray(response.outputs["probabilities"]).max() == pytest.approx(best["score"], abs=1e-6)


def test_the_answer_tells_the_version(stubs: Stubs) -> None:
    response = stubs.predict(request("strokes", image=PICTURES))
    assert response.model_spec == spec("strokes", version=1, signature_name="serving_default")


def test_only_the_outputs_asked_for_are_answered(stubs: Stubs) -> None:
    assert list(stubs.predict(request("strokes", outputs=("logits",), image=PICTURES)).outputs) == ["logits"]


def test_the_headers_of_http_are_trailing_metadata(stubs: Stubs) -> None:
    asked = request("strokes", image=PICTURES)
    _, call = stubs.prediction.Predict.with_call(asked, timeout=60, metadata=(("x-request-id", "mine"),))
    told = dict(call.trailing_metadata())
    assert (told["x-request-id"], told["x-model"], told["x-model-version"]) == ("mine", "strokes", "1")
    assert told["x-model-digest"] == "sha256:strokes"
    assert "infer;dur=" in told["server-timing"]


def test_a_digest_is_pinned_by_metadata(stubs: Stubs) -> None:
    asked = request("strokes", image=PICTURES)
    stubs.predict(asked, metadata=(("x-model-digest", "sha256:strokes"),))
    code, says = failure(lambda: stubs.predict(asked, metadata=(("x-model-digest", "sha256:other"),)))
    assert code is CODE.FAILED_PRECONDITION
    assert "sha256:strokes" in says


REFUSED = {
    "no model": (predict_pb2.PredictRequest(), CODE.INVALID_ARGUMENT, "Missing ModelSpec"),
    "no name": (request(""), CODE.INVALID_ARGUMENT, "no name"),
    "an unknown model": (request("none", image=PICTURES), CODE.NOT_FOUND, "no model 'none'"),
    "a name that is a path": (request("../strokes", image=PICTURES), CODE.NOT_FOUND, "no model"),
    "an unknown version": (request("strokes", {"version": 7}, image=PICTURES), CODE.NOT_FOUND, "no version 7"),
    "a version below zero": (request("strokes", {"version": -1}, image=PICTURES), CODE.NOT_FOUND, "no version -1"),
    "an unknown label": (request("strokes", {"version_label": "x"}, image=PICTURES), CODE.NOT_FOUND, "label 'x'"),
    "an unknown signature": (request("strokes", {"signature_name": "x"}), CODE.INVALID_ARGUMENT, "no signature 'x'"),
    "the gateway's own signature": (
        request("strokes", {"signature_name": "manifest"}, section=["manifest"]),
        CODE.INVALID_ARGUMENT,
        "not offered",
    ),
    "an unknown input": (request("strokes", pixels=PICTURES), CODE.INVALID_ARGUMENT, "takes the inputs 'image'"),
    "no input": (request("strokes"), CODE.INVALID_ARGUMENT, "received none"),
    "an unknown output": (request("strokes", outputs=("x",), image=PICTURES), CODE.INVALID_ARGUMENT, "no output 'x'"),
    "another type": (request("strokes", image=PICTURES.astype("f4")), CODE.INVALID_ARGUMENT, "data type"),
    "another shape": (request("strokes", image=PICTURES[..., 0]), CODE.INVALID_ARGUMENT, "expected [-1, 28, 28, 1]"),
    "too many rows": (request("strokes", image=np.tile(PICTURES, (2, 1, 1, 1))), CODE.RESOURCE_EXHAUSTED, "at most 4"),
    "too many tokens": (
        request("sentiment", token_ids=np.ones((1, 17), np.int32)),
        CODE.RESOURCE_EXHAUSTED,
        "17 tokens",
    ),
    "what the graph refuses": (
        request("sentiment", token_ids=np.array([[900]], np.int32)),
        CODE.INVALID_ARGUMENT,
        "is not in [0, 12)",
    ),
    "what is no picture": (
        request("strokes", {"signature_name": "raw"}, image_bytes=[b"x"]),
        CODE.INVALID_ARGUMENT,
        "no picture",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_before_the_model_works(stubs: Stubs, case: str) -> None:
    asked, code, says = REFUSED[case]
    found, details = failure(lambda: stubs.predict(asked))
    assert found is code, details
    assert says in details


def test_a_picture_of_too_many_pixels_is_not_decoded(stubs: Stubs) -> None:
    asked = request("strokes", {"signature_name": "raw"}, image_bytes=[picture(side=6000)])
    code, says = failure(lambda: stubs.predict(asked))
    assert (code, "pixels" in says) == (CODE.RESOURCE_EXHAUSTED, True)


def test_one_value_does_not_become_gigabytes(stubs: Stubs) -> None:
    """TensorFlow repeats the last value up to the shape's size: a stock model server would hold it all."""
    asked = request("sentiment")
    given = asked.inputs["token_ids"]
    given.dtype = types_pb2.DT_INT32
    for size in (1, 2**40):
        given.tensor_shape.dim.add(size=size)
    given.int_val.append(1)
    code, says = failure(lambda: stubs.predict(asked))
    assert (code, "bytes of 'token_ids'" in says) == (CODE.RESOURCE_EXHAUSTED, True)


def test_a_content_that_does_not_fit_its_shape_is_refused_by_the_server_s_words(stubs: Stubs) -> None:
    asked = request("strokes", image=PICTURES)
    asked.inputs["image"].tensor_content = b"123"
    code, says = failure(lambda: stubs.predict(asked))
    assert code is CODE.INVALID_ARGUMENT
    assert says == "tensor parsing error: image"


# --- The version


def test_without_a_version_the_gateway_chooses_and_another_can_be_named(shelf: Shelf) -> None:
    """A version that is published and not promoted answers nobody who did not ask for it."""
    shelf.publish("digits-a", "digits-b")
    base = shelf.store.base("digits")
    (base / "labels.json").write_bytes(Labels.read(base).moved("stable", 1).document())
    with ModelServerProcess(shelf.store.root) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        until(lambda: loaded(gateway, "digits", 2), "version 2 is loaded")
        with grpc.insecure_channel(gateway.grpc) as channel:
            stubs = Stubs(channel)
            answers = [
                stubs.predict(request("digits", fields, image=PICTURES))
                for fields in ({}, {"version": 2}, {"version_label": "stable"}, {"version": 1})
            ]
            metadata = get_model_metadata_pb2.GetModelMetadataRequest(
                model_spec=spec("digits"), metadata_field=["signature_def"]
            )
            told = stubs.prediction.GetModelMetadata(metadata, 60)
    assert [answer.model_spec.version.value for answer in answers] == [1, 2, 1, 1]
    logits = [tf.make_ndarray(answer.outputs["logits"]) for answer in answers]
    assert_allclose(logits[0], logits[2])
    assert_allclose(logits[0], logits[3])
    assert not np.allclose(logits[0], logits[1])
    assert told.model_spec.version.value == 1


def loaded(gateway: GatewayProcess, model: str, version: int) -> bool:
    lines = gateway.get(f"/models/{model}").json()["versions"]
    return (version, "AVAILABLE") in {(line["version"], line["state"]) for line in lines}


# --- Examples


def classification(model_spec: Any, given: Any) -> Any:
    return classification_pb2.ClassificationRequest(model_spec=model_spec, input=given)


def test_examples_are_classified(stubs: Stubs) -> None:
    asked = classification(spec("strokes", signature_name="classify"), examples(0.25, 1.0))
    response = stubs.prediction.Classify(asked, 60)
    lines = [{line.label: line.score for line in row.classes} for row in response.result.classifications]
    assert lines == [{"light": 0.25, "heavy": 0.75}, {"light": 1.0, "heavy": 0.0}]
    assert response.model_spec == spec("strokes", version=1, signature_name="classify")


def test_examples_are_regressed(stubs: Stubs) -> None:
    asked = regression_pb2.RegressionRequest(
        model_spec=spec("strokes", signature_name="regress"), input=examples(0.25, 1.0)
    )
    response = stubs.prediction.Regress(asked, 60)
    assert [row.value for row in response.result.regressions] == [0.5, 2.0]


def tasks(*specs: tuple[str, Any]) -> list[Any]:
    return [inference_pb2.InferenceTask(method_name=f"tensorflow/serving/{name}", model_spec=of) for name, of in specs]


def multi(*specs: tuple[str, Any], given: Any = None) -> Any:
    return inference_pb2.MultiInferenceRequest(tasks=tasks(*specs), input=given or examples(0.25))


BOTH = (
    ("classify", spec("strokes", signature_name="classify")),
    ("regress", spec("strokes", signature_name="regress")),
)


def test_examples_are_classified_and_regressed_at_once(stubs: Stubs) -> None:
    first, second = stubs.prediction.MultiInference(multi(*BOTH), 60).results
    assert first.classification_result.classifications[0].classes[0].score == 0.25
    assert second.regression_result.regressions[0].value == 0.5
    assert {result.model_spec.version.value for result in (first, second)} == {1}


def test_examples_beyond_the_limit(stubs: Stubs) -> None:
    many = examples(*[0.5] * 5)
    calls = (
        lambda: stubs.prediction.Classify(classification(spec("strokes", signature_name="classify"), many), 60),
        lambda: stubs.prediction.MultiInference(multi(*BOTH, given=many), 60),
        lambda: stubs.prediction.MultiInference(multi(*BOTH * 3), 60),
    )
    for call in calls:
        code, says = failure(call)
        assert (code, "at most 4" in says) == (CODE.RESOURCE_EXHAUSTED, True)


def test_what_multi_inference_refuses(stubs: Stubs) -> None:
    several = (BOTH[0], ("regress", spec("strokes", signature_name="regress", version=1)))
    for asked, says in ((multi(), "no tasks"), (multi(*several), "several")):
        code, details = failure(lambda asked=asked: stubs.prediction.MultiInference(asked, 60))  # type: ignore[misc]  # a default
        assert (code, says in details) == (CODE.INVALID_ARGUMENT, True)


def test_a_signature_that_is_not_for_examples_is_refused_by_the_server_s_words(stubs: Stubs) -> None:
    code, says = failure(lambda: stubs.prediction.Classify(classification(spec("strokes"), examples(1.0)), 60))
    assert (code, "SignatureDef" in says) == (CODE.FAILED_PRECONDITION, True)
    code, says = failure(
        lambda: stubs.prediction.Classify(classification(spec("strokes", signature_name="manifest"), examples(1.0)), 60)
    )
    assert (code, "not offered" in says) == (CODE.INVALID_ARGUMENT, True)


# --- What is told


def test_the_metadata_has_no_signature_of_the_gateway_s_own(stubs: Stubs) -> None:
    asked = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=spec("strokes"), metadata_field=["signature_def"])
    response = stubs.prediction.GetModelMetadata(asked, 60)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    assert {"serving_default", "raw", "explain", "classify"} <= set(signatures.signature_def)
    assert "manifest" not in signatures.signature_def
    assert response.model_spec == spec("strokes", version=1)


def test_the_status_of_a_model(stubs: Stubs) -> None:
    response = stubs.model.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(model_spec=spec("strokes")), 60)
    [line] = response.model_version_status
    assert (line.version, line.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)
    unknown = get_model_status_pb2.GetModelStatusRequest(model_spec=spec("none"))
    assert failure(lambda: stubs.model.GetModelStatus(unknown, 60))[0] is CODE.NOT_FOUND


def test_the_status_tells_no_paths(shelf: Shelf) -> None:
    shelf.publish("digits-a", "digits-b")
    (shelf.store.base("digits") / "2" / "saved_model.pb").write_bytes(b"\0damaged")
    with ModelServerProcess(shelf.store.root) as server, GatewayProcess(server.target) as gateway:
        gateway.wait_ready()
        asked = get_model_status_pb2.GetModelStatusRequest(model_spec=spec("digits"))
        with grpc.insecure_channel(gateway.grpc) as channel:
            stub = Stubs(channel).model

            def errors() -> list[str]:
                lines = stub.GetModelStatus(asked, 60).model_version_status
                return [line.status.error_message for line in lines if line.status.error_message]

            until(lambda: bool(errors()), "the damaged version is told")
            [error] = errors()
    assert "could not be loaded" in error
    assert str(shelf.store.root) not in error


def test_the_model_server_is_not_configured_through_the_gateway(stubs: Stubs, channel: grpc.Channel) -> None:
    reload_config = model_management_pb2.ReloadConfigRequest()
    code, says = failure(lambda: stubs.model.HandleReloadConfigRequest(reload_config, 60))
    assert (code, "not offered" in says) == (CODE.UNIMPLEMENTED, True)
    code, _ = failure(lambda: ask(channel, LIST_MODELS, ListModelsRequest()))
    assert code is CODE.UNIMPLEMENTED


# --- Time


@pytest.fixture
def held(model_server: ModelServerProcess) -> Iterator[tuple[Proxy, GatewayProcess]]:
    """A model server that answers once it is let."""
    with Proxy(model_server.target) as proxy, GatewayProcess(proxy.target, models=("digits",)) as gateway:
        gateway.wait_ready()
        proxy.open.clear()
        try:
            yield proxy, gateway
        finally:
            proxy.open.set()


def test_the_caller_s_deadline_is_the_model_server_s(held: tuple[Proxy, GatewayProcess]) -> None:
    proxy, gateway = held
    with grpc.insecure_channel(gateway.grpc) as channel:
        late = failure(lambda: Stubs(channel).predict(request("digits", image=PICTURES), timeout=2))
        assert late[0] is CODE.DEADLINE_EXCEEDED
    assert proxy.seconds_left is not None
    assert proxy.seconds_left <= 2.1, "the model server was given more time than the caller has"
