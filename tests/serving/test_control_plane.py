"""What is served, and how that changes, as messages."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.control_plane import ControlPlane
from serving.errors import Code, RequestError
from serving.lifecycle.core import Core
from serving.lifecycle.manager import Manager
from serving.lifecycle.rules import Rules
from serving.metrics import Metrics
from tests.serving.runtimes import Opener
from tests.support.processes import until
from wire import messages


class Plane:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.metrics = Metrics()
        self.manager = Manager(Opener(), Rules(), self.metrics)
        self.core = Core(self.manager, poll_interval_s=0.02)
        self.control = ControlPlane(self.core, self.metrics)

    def put(self, name: str, file: str = "good") -> None:
        (self.root / name).mkdir(parents=True)
        (self.root / name / file).touch()

    def config(self, name: str, **fields: Any) -> Any:
        complete = {"name": name, "base_path": str(self.root / name), "model_platform": "tensorflow", **fields}
        return messages.ModelConfig(**complete)

    def reload(self, *configs: Any, metrics: tuple[str, ...] = ()) -> Any:
        request = messages.ReloadConfigRequest(metric_names=metrics)
        request.config.model_config_list.SetInParent()
        request.config.model_config_list.config.extend(configs)
        return self.control.reload(request, 30)

    def status(self, name: str, version: int | None = None) -> list[tuple[int, int]]:
        request = messages.GetModelStatusRequest(model_spec={"name": name})
        if version is not None:
            request.model_spec.version.value = version
        return [(line.version, line.state) for line in self.control.status(request).model_version_status]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    made = Plane(tmp_path)
    made.core.start({})
    yield made
    made.core.stop()
    made.manager.close(30)


def refused(code: Code, said: str, act: Callable[[], object]) -> None:
    with pytest.raises(RequestError) as caught:
        act()
    assert (caught.value.code, caught.value.message) == (code, said)


def test_status_has_versions_highest_first_and_ignores_labels(plane: Plane) -> None:
    for version in ("m/1", "m/2"):
        plane.put(version)
    plane.put("m/10", "broken")
    plane.reload(plane.config("m", model_version_policy={"all": {}}))
    until(lambda: plane.status("m") == [(10, 50), (2, 30), (1, 30)], "all versions are tried")
    assert plane.status("m", 2) == [(2, 30)]
    request = messages.GetModelStatusRequest(model_spec={"name": "m", "version_label": "unknown"})
    first, second, _ = plane.control.status(request).model_version_status
    assert (first.status.error_code, first.status.error_message) == (Code.DATA_LOSS, "10 is broken")
    assert second.HasField("status")
    assert second.status.error_code == 0


def test_status_of_what_never_was(plane: Plane) -> None:
    plane.put("m/1")
    plane.reload(plane.config("m"))
    refused(Code.NOT_FOUND, "Could not find any versions of model x", lambda: plane.status("x"))
    refused(Code.NOT_FOUND, "Could not find version 5 of model m", lambda: plane.status("m", 5))
    empty = messages.GetModelStatusRequest()
    refused(Code.INVALID_ARGUMENT, "Missing ModelSpec", lambda: plane.control.status(empty))


def test_a_reload_is_answered_when_the_new_models_are_available(plane: Plane) -> None:
    plane.put("m/1")
    response = plane.reload(plane.config("m"))
    assert plane.status("m") == [(1, 30)]
    assert (response.HasField("status"), response.status.error_code, list(response.metric)) == (True, 0, [])
    plane.reload()
    until(lambda: plane.status("m") == [(1, 50)], "it is unloaded")


def test_a_reload_tells_by_how_much_metrics_grew(plane: Plane) -> None:
    for name in ("a/1", "b/1", "c/1"):
        plane.put(name)
    attempts = "/tensorflow/cc/saved_model/load_attempt_count"
    plane.reload(plane.config("a"))
    response = plane.reload(*map(plane.config, "abc"), metrics=(attempts, "/unknown"))
    assert [(line.name, line.int64_value_increase) for line in response.metric] == [(attempts, 2), ("/unknown", 0)]


def test_a_refused_reload_changes_nothing(plane: Plane) -> None:
    plane.put("m/1")
    plane.reload(plane.config("m"))
    refused(
        Code.INVALID_ARGUMENT,
        "Illegal to list model m multiple times in config list",
        lambda: plane.reload(plane.config("m"), plane.config("m")),
    )
    refused(
        Code.INVALID_ARGUMENT,
        "Illegal to change a model's platform. For model m platform was tensorflow and new platform requested is x",
        lambda: plane.reload(plane.config("m", model_platform="x")),
    )
    assert plane.status("m") == [(1, 30)]


def test_every_model_is_listed(plane: Plane) -> None:
    plane.put("b/1")
    plane.put("a/2")
    (plane.root / "empty").mkdir()
    plane.reload(plane.config("a"), plane.config("b"))
    plane.reload(plane.config("b", version_labels={"stable": 1}), plane.config("a"))
    plane.control.remove_model(messages.RemoveModelRequest(name="a"), None)
    with pytest.raises(RequestError, match="No versions of it found"):
        plane.control.add_model(messages.AddModelRequest(config=plane.config("empty")), 30)
    until(lambda: plane.status("a") == [(2, 50)], "a is unloaded")
    a, b, empty = plane.control.list_models(messages.ListModelsRequest()).models
    assert (a.name, a.base_path, [line.status.state for line in a.versions]) == ("a", "", [50])
    assert (b.name, b.base_path, dict(b.version_labels)) == ("b", str(plane.root / "b"), {"stable": 1})
    assert [(line.status.version, dict(line.runtime)) for line in b.versions] == [(1, {"runtime": "opened"})]
    assert (empty.name, empty.base_path, list(empty.versions)) == ("empty", str(plane.root / "empty"), [])


def test_one_model_is_added_and_removed(plane: Plane) -> None:
    for name in ("a/1", "b/1"):
        plane.put(name)
    plane.reload(plane.config("a"))
    plane.control.add_model(messages.AddModelRequest(config=plane.config("b")), 30)
    assert plane.status("a") == plane.status("b") == [(1, 30)]
    plane.control.remove_model(messages.RemoveModelRequest(name="a"), None)
    until(lambda: plane.status("a") == [(1, 50)], "a is unloaded")
    assert plane.status("b") == [(1, 30)]


def test_what_cannot_be_added_or_removed(plane: Plane) -> None:
    refused(
        Code.INVALID_ARGUMENT,
        "AddModelRequest has no config: expected the ModelConfig of one model",
        lambda: plane.control.add_model(messages.AddModelRequest(), 30),
    )
    relative = messages.AddModelRequest(config=plane.config("m", base_path="m"))
    refused(
        Code.INVALID_ARGUMENT,
        "Expected model m to have an absolute path or URI; got base_path()=m",
        lambda: plane.control.add_model(relative, 30),
    )
    refused(
        Code.NOT_FOUND,
        "Could not find model m in the configuration",
        lambda: plane.control.remove_model(messages.RemoveModelRequest(name="m"), None),
    )
