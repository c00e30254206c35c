"""Classify, Regress and MultiInference with TensorFlow Serving's own stubs: numbers, codes and texts."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.contract.conftest import VERSION, Server

INVALID, PRECONDITION = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


class Stub:
    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def classify(self, name: str, signature: str = "", given: Any = None) -> Any:
        request = classification_pb2.ClassificationRequest(model_spec=spec(name, signature), input=given)
        return self._stub.Classify(request, 60)

    def regress(self, name: str, signature: str = "", given: Any = None) -> Any:
        return self._stub.Regress(regression_pb2.RegressionRequest(model_spec=spec(name, signature), input=given), 60)

    def infer(self, *tasks: tuple[str, str, str], given: Any = None) -> Any:
        """`tasks` are models, signatures and methods."""
        made = [
            inference_pb2.InferenceTask(model_spec=spec(name, signature), method_name=method)
            for name, signature, method in tasks
        ]
        return self._stub.MultiInference(inference_pb2.MultiInferenceRequest(tasks=made, input=given), 60)


@pytest.fixture(scope="module")
def stub(server: Server) -> Iterator[Stub]:
    with grpc.insecure_channel(server.grpc) as channel:
        yield Stub(channel)


def spec(name: str, signature: str) -> Any:
    return model_pb2.ModelSpec(name=name, signature_name=signature)


def example(**features: float) -> Any:
    made = tf.train.Example()
    for name, value in features.items():
        made.features.feature[name].float_list.value.append(value)
    return made


def examples(*values: float, feature: str = "x") -> Any:
    listed = input_pb2.ExampleList(examples=[example(**{feature: value}) for value in values])
    return input_pb2.Input(example_list=listed)


def failure(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details() or ""


def test_classify(stub: Stub) -> None:
    response = stub.classify("animals", given=examples(4, 500, feature="weight"))
    best = [max(row.classes, key=lambda c: c.score).label for row in response.result.classifications]
    assert best == ["cat", "horse"]
    used = response.model_spec
    assert (used.name, used.version.value, used.signature_name) == ("animals", VERSION, "serving_default")


def test_classify_with_scores_alone_and_a_context(stub: Stub) -> None:
    listed = input_pb2.ExampleListWithContext(context=example(x=6), examples=[example(), example(x=2)])
    response = stub.classify("half", "classify_x_to_y", input_pb2.Input(example_list_with_context=listed))
    assert [(c.classes[0].label, c.classes[0].score) for c in response.result.classifications] == [("", 5), ("", 3)]


def test_regress(stub: Stub) -> None:
    response = stub.regress("half", "regress_x_to_y", examples(2, 20))
    assert [one.value for one in response.result.regressions] == [3, 12]
    assert response.model_spec.signature_name == "regress_x_to_y"


def test_multi_inference(stub: Stub) -> None:
    tasks = (("half", "regress_x_to_y", REGRESS), ("half", "classify_x_to_y", CLASSIFY))
    regressed, classified = stub.infer(*tasks, given=examples(2)).results
    assert regressed.regression_result.regressions[0].value == 3
    assert classified.classification_result.classifications[0].classes[0].score == 3
    assert [result.model_spec.signature_name for result in (regressed, classified)] == [task[1] for task in tasks]
    assert regressed.model_spec.version.value == VERSION


@pytest.mark.parametrize(
    ("call", "code", "text"),
    [
        (lambda s: s.classify("half", "none"), INVALID, "No signature was found with the name: none"),
        (lambda s: s.classify("animals"), INVALID, "Input is empty."),
        (lambda s: s.classify("none"), grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(none)"),
        (lambda s: s.classify("many"), INVALID, "Expected one input Tensor."),
        (lambda s: s.classify("half", "three_outputs"), INVALID, "Expected one or two output Tensors, found 3"),
        (lambda s: s.classify("half", "flat_scores", examples(1)), INVALID,
         "Expected Tensor shape: [batch_size num_classes] but got [1]"),
        (lambda s: s.classify("half", "one_score", examples(1, 2)), INVALID,
         "Expected scores output batch size of 2. Got: 1"),
        (lambda s: s.classify("half", "double_scores", examples(1)), INVALID,
         "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
        (lambda s: s.classify("animals", "uneven", examples(1, feature="weight")), INVALID,
         "Tensors class and score should match in dim_size(1). Got 2 vs. 3"),
        (lambda s: s.regress("half", "other_outputs"), INVALID, "Expected one output Tensor."),
        (lambda s: s.regress("half", "two_numbers", examples(1)), INVALID,
         "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,2]"),
        (lambda s: s.regress("half", "one_answer", examples(1, 2)), INVALID,
         "Input batch size did not match output batch size: 2 vs. 1"),
        (lambda s: s.regress("half", "whole_numbers", examples(1)), INVALID,
         "Expected output Tensor of DT_FLOAT.  Got: DT_INT32"),
        (lambda s: s.infer(), INVALID, "ModelSpec has no name specified."),
        (lambda s: s.infer(("half", "regress_x_to_y", REGRESS), ("", "classify_x_to_y", CLASSIFY)), INVALID,
         "Found ModelSpec with an empty model name."),
        (lambda s: s.infer(("half", "regress_x_to_y", REGRESS), ("many", "", CLASSIFY)), INVALID,
         "All ModelSpecs in a MultiInferenceRequest must access the same model name."),
        (lambda s: s.infer(*[("half", "regress_x_to_y", REGRESS)] * 2), INVALID,
         "Duplicate evaluation of signature: regress_x_to_y"),
        (lambda s: s.infer(("half", "none", REGRESS)), INVALID,
         "Requested signature not found in model graph: none"),
        (lambda s: s.infer(("half", "", "tensorflow/serving/predict")), grpc.StatusCode.UNIMPLEMENTED,
         "Unsupported signature method_name: tensorflow/serving/predict"),
    ],
)  # fmt: skip
def test_failures(stub: Stub, call: Callable[[Stub], object], code: grpc.StatusCode, text: str) -> None:
    assert failure(lambda: call(stub)) == (code, text)


def test_what_a_signature_lacks_is_told_with_the_signature(stub: Stub) -> None:
    for call, text in (
        (stub.classify, "No classification inputs found in SignatureDef: inputs {"),
        (stub.regress, "No regression inputs found in SignatureDef: inputs {"),
    ):
        code, details = failure(partial(call, "half", given=examples(1)))
        assert code is PRECONDITION
        assert details.startswith(text)


def test_a_feature_that_the_graph_misses(stub: Stub) -> None:
    code, details = failure(lambda: stub.regress("half", "regress_x_to_y", examples(1, feature="z")))
    assert code is INVALID
    assert "Feature: x (data type: float) is required but could not be found." in details
