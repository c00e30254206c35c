"""What TensorFlow Serving's own stubs see of a model's life: config file, policies, labels, reload, status."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from bench.stack import free_port
from tests.support import saved_models
from tests.support.processes import Process, ask, until

CODES = grpc.StatusCode
NAMES = get_model_status_pb2.ModelVersionStatus.State.Name


class Life:
    """A server started with a config file, the folders of its models, and stubs of it."""

    def __init__(self, root: Path, channel: grpc.Channel, url: str) -> None:
        self.root = root
        self.url = url
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)

    def config(self, name: str, more: str = "", folder: str = "") -> str:
        base_path = self.root / (folder or name)
        return f'config {{ name: "{name}" base_path: "{base_path}" model_platform: "tensorflow" {more} }}'

    def reload(self, *configs: str, metrics: tuple[str, ...] = (), timeout_s: float = 60) -> Any:
        request = model_management_pb2.ReloadConfigRequest(metric_names=metrics)
        text_format.Parse(f"model_config_list {{ {' '.join(configs)} }}", request.config)
        return self._models.HandleReloadConfigRequest(request, timeout_s)

    def states(self, name: str) -> dict[int, str]:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = name
        lines = self._models.GetModelStatus(request, 30).model_version_status
        return {line.version: NAMES(line.state) for line in lines}

    def plus(self, name: str, **spec: Any) -> tuple[int, float]:
        """The version that answers 2 / 2 + offset, and the answer."""
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        if "version" in spec:
            request.model_spec.version.value = spec["version"]
        if "label" in spec:
            request.model_spec.version_label = spec["label"]
        request.inputs["x"].CopyFrom(tf.make_tensor_proto([2.0]))
        response = self._prediction.Predict(request, 60)
        assert not response.model_spec.version_label
        return response.model_spec.version.value, float(tf.make_ndarray(response.outputs["y"])[0])


ALL = "model_version_policy { all {} }"
LABELS = 'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 }'


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    root = tmp_path_factory.mktemp("models")
    for version in ("1", "3"):
        saved_models.put("plus-2", root / "plus" / version)
    saved_models.put("plus-3", root / "plus" / "2")
    saved_models.put("plus-3", root / "other" / "5")
    grpc_port, rest_port = free_port(), free_port()
    url = f"http://127.0.0.1:{rest_port}"
    with grpc.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        found = Life(root, channel, url)
        file = root / "models.config"
        file.write_text(f"model_config_list {{ {found.config('plus', ALL + LABELS)} {found.config('other')} }}")
        flags = ("--file_system_poll_wait_seconds=0.1", f"--model_config_file={file}", "--max_num_load_retries=0")
        with Process("serve", f"--port={grpc_port}", f"--rest_api_port={rest_port}", *flags) as process:
            grpc.channel_ready_future(channel).result(120)
            yield found
        assert process.wait() == 0, "SIGTERM must end the server cleanly"


@pytest.fixture(autouse=True)
def afterwards(life: Life) -> Iterator[None]:
    yield
    """As it was at the start."""
    life.reload(life.config("plus", ALL), life.config("other"))
    until(lambda: life.states("plus") == dict.fromkeys((3, 2, 1), "AVAILABLE"), "all versions are back")
    life.reload(life.config("plus", ALL + LABELS), life.config("other"))


def failure(call: Callable[[], object]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value.code(), caught.value.details() or ""


def test_ports_open_with_every_model_available(life: Life) -> None:
    assert life.states("plus") == {3: "AVAILABLE", 2: "AVAILABLE", 1: "AVAILABLE"}
    assert life.states("other") == {5: "AVAILABLE"}


def test_versions_and_labels_are_asked_for(life: Life) -> None:
    assert life.plus("plus") == life.plus("plus", version=3) == (3, 3)
    assert life.plus("plus", label="stable") == (1, 3)
    assert life.plus("plus", label="canary") == (2, 4)
    answer = ask(f"{life.url}/v1/models/plus/labels/canary:predict", b'{"instances": [2]}')
    assert answer.json() == {"predictions": [4.0]}


@pytest.mark.parametrize("model", ["plus", "unknown"])
def test_an_unknown_label(life: Life, model: str) -> None:
    expected = "Unrecognized servable version label: none"
    assert failure(lambda: life.plus(model, label="none")) == (CODES.INVALID_ARGUMENT, expected)
    answer = ask(f"{life.url}/v1/models/{model}/labels/none:predict", b'{"instances": [2]}')
    assert (answer.status, answer.json()) == (400, {"error": expected})


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("", {3}),
        ("model_version_policy { latest { num_versions: 2 } }", {2, 3}),
        ("model_version_policy { specific { versions: 1 versions: 9 } }", {1}),
        (ALL, {1, 2, 3}),
    ],
)
def test_policies(life: Life, policy: str, served: set[int]) -> None:
    life.reload(life.config("plus", policy))
    until(lambda: {v for v, state in life.states("plus").items() if state == "AVAILABLE"} == served, "they are served")
    assert life.plus("plus")[0] == max(served)


def test_a_reload_answers_once_a_new_model_is_available(life: Life) -> None:
    attempts = "/tensorflow/cc/saved_model/load_attempt_count"
    response = life.reload(life.config("again", folder="other"), metrics=(attempts,))
    assert life.plus("again") == (5, 4)
    assert response.status.error_code == 0
    assert [(line.name, line.int64_value_increase) for line in response.metric] == [(attempts, 1)]
    until(lambda: set(life.states("plus").values()) == {"END"}, "what is not in the list is unloaded")
    expected = "Servable not found for request: Latest(plus)"
    assert failure(lambda: life.plus("plus")) == (CODES.NOT_FOUND, expected)


def test_a_new_model_that_is_broken_fails_the_reload(life: Life) -> None:
    saved_models.put("plus-2", life.root / "broken" / "1")
    shutil.rmtree(life.root / "broken" / "1" / "variables")
    code, details = failure(lambda: life.reload(life.config("other"), life.config("broken")))
    assert code is CODES.UNKNOWN
    start = "1 model(s) did not become available: {{name: broken version: 1} due to error: "
    assert details.startswith(start)
    assert details.endswith("}, }")
    assert life.plus("other") == (5, 4)
    assert life.states("broken") == {1: "END"}


def test_labels_only_on_versions_that_are_available(life: Life) -> None:
    wrong = LABELS + 'version_labels { key: "next" value: 9 }'
    assert failure(lambda: life.reload(life.config("plus", ALL + wrong))) == (
        CODES.FAILED_PRECONDITION,
        "Request to assign label to version 9 of model plus, which is not currently available for inference",
    )
    assert life.plus("plus", label="canary") == (2, 4)
    assert life.plus("other") == (5, 4)


def test_labels_are_replaced_as_a_whole(life: Life) -> None:
    life.reload(life.config("plus", ALL + 'version_labels { key: "canary" value: 3 }'), life.config("other"))
    assert life.plus("plus", label="canary") == (3, 3)
    assert failure(lambda: life.plus("plus", label="stable"))[0] is CODES.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("configs", "text"),
    [
        (['config { name: "m" base_path: "/m" }'], "Illegal setting neither ModelServerConfig::model_type"),
        (
            ['config { name: "m" base_path: "m" model_platform: "tensorflow" }'],
            "Expected model m to have an absolute path or URI; got base_path()=m",
        ),
        (
            ['config { name: "m" base_path: "/m" model_platform: "tensorflow" }'] * 2,
            "Illegal to list model m multiple times in config list",
        ),
        (
            ['config { name: "plus" base_path: "/m" model_platform: "torch" }'],
            "Illegal to change a model's platform. For model plus platform was tensorflow and new platform "
            "requested is torch",
        ),
    ],
)  # fmt: skip
def test_a_reload_that_is_refused_changes_nothing(life: Life, configs: list[str], text: str) -> None:
    code, details = failure(lambda: life.reload(*configs))
    assert (code, details[: len(text)]) == (CODES.INVALID_ARGUMENT, text)
    assert life.plus("plus", label="canary") == (2, 4)


def test_a_reload_without_a_list(life: Life) -> None:
    request = model_management_pb2.ReloadConfigRequest()
    assert failure(lambda: life._models.HandleReloadConfigRequest(request, 30)) == (
        CODES.INVALID_ARGUMENT,
        "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is currently "
        "supported",
    )


def test_versions_come_and_go_in_a_base_path(life: Life) -> None:
    saved_models.put("plus-2", life.root / "other" / "0006")
    until(lambda: life.states("other").get(6) == "AVAILABLE", "6 is loaded")
    until(lambda: life.states("other")[5] == "END", "5 is unloaded")
    assert life.plus("other") == (6, 3)
    shutil.rmtree(life.root / "other" / "0006")
    until(lambda: life.states("other") == {6: "END", 5: "AVAILABLE"}, "5 is back")


def test_a_missing_base_path_stops_nobody_else(life: Life) -> None:
    code, details = failure(lambda: life.reload(life.config("plus", ALL), life.config("other"), life.config("gone")))
    assert (code, "gone cannot be listed: No such file or directory" in details) == (CODES.UNKNOWN, True)
    saved_models.put("plus-2", life.root / "other" / "7")
    until(lambda: life.states("other").get(7) == "AVAILABLE", "7 is loaded")
    shutil.rmtree(life.root / "other" / "7")
    saved_models.put("plus-3", life.root / "gone" / "1")
    until(lambda: ask(life.url + "/v1/models/gone").status == 200, "it is seen as soon as it appears")
    until(lambda: life.states("gone") == {1: "AVAILABLE"}, "it is served, too")
