"""The control plane: what is served and how that changes, as the messages of ModelService and Catalog."""

from typing import Any

from serving.errors import Code, ModelConfigError, RequestError
from serving.lifecycle.core import Core
from serving.lifecycle.model_config import config_of, configs_of
from serving.lifecycle.tracked import VersionStatus
from serving.metrics import Metrics
from wire import messages


class ControlPlane:
    """Thread-safe; every method raises `RequestError`, with TensorFlow Serving's codes and texts."""

    def __init__(self, core: Core, metrics: Metrics) -> None:
        self._core = core
        self._metrics = metrics

    def status(self, request: Any) -> Any:
        """`GetModelStatusRequest` to `GetModelStatusResponse`, versions highest first. A label is ignored."""
        if not request.HasField("model_spec"):
            raise RequestError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
        spec = request.model_spec
        version = spec.version.value if spec.HasField("version") else None
        found = [line for line in self._core.statuses(spec.name) if version in (None, line.version)]
        if not found:
            what = "any versions" if version is None else f"version {version}"
            raise RequestError(Code.NOT_FOUND, f"Could not find {what} of model {spec.name}")
        return messages.GetModelStatusResponse(model_version_status=[_status_line(line) for line in found])

    def reload(self, request: Any, timeout_s: float | None) -> Any:
        """`ReloadConfigRequest` to `ReloadConfigResponse`, once the models that are new in name are available.

        Where TensorFlow Serving waits for ever for the first version of a new model, this is an error at once: it is
        served as soon as it appears.
        """
        before = {name: self._metrics.total(name) for name in request.metric_names}
        fresh = self._core.reload(configs_of(request.config, self._core.configs()))
        self._core.wait_available(fresh, timeout_s)
        response = messages.ReloadConfigResponse()
        response.status.SetInParent()
        for name, value in before.items():
            response.metric.add(name=name, int64_value_increase=self._metrics.total(name) - value)
        return response

    def list_models(self, _request: Any) -> Any:
        """`ListModelsRequest` to `ListModelsResponse`: every model with versions, states, labels."""
        configs = self._core.configs()
        response = messages.ListModelsResponse()
        for name in self._core.models():
            model, config = response.models.add(name=name), configs.get(name)
            if config is not None:
                model.base_path = str(config.base_path)
                model.version_labels.update(config.labels)
            for line in self._core.statuses(name):
                model.versions.add(status=_status_line(line), runtime=dict(line.facts))
        return response

    def is_configured(self, model: str) -> bool:
        return self._core.is_configured(model)

    def add_model(self, request: Any, timeout_s: float | None) -> Any:
        """`AddModelRequest` to `AddModelResponse`, once the model is available."""
        if not request.HasField("config"):
            raise ModelConfigError("AddModelRequest has no config: expected the ModelConfig of one model")
        model = config_of(request.config, self._core.configs())
        self._core.add(model)
        self._core.wait_available({model.name}, timeout_s)
        return messages.AddModelResponse()

    def remove_model(self, request: Any, _timeout_s: float | None) -> Any:
        """`RemoveModelRequest` to `RemoveModelResponse`; the unloading goes on behind it."""
        self._core.remove(request.name)
        return messages.RemoveModelResponse()


def _status_line(line: VersionStatus) -> Any:
    message = messages.ModelVersionStatus(version=line.version, state=int(line.state))
    message.status.SetInParent()
    if line.error is not None:
        message.status.error_code, message.status.error_message = int(line.error.code), line.error.message
    return message
