"""The dataplane: what the server answers, apart from how it travels. gRPC and REST are thin skins over it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from serving.errors import Code, RequestError
from serving.inference import metadata
from serving.inference.call import Call
from serving.inference.classify import classify
from serving.inference.multi_inference import multi_inference
from serving.inference.predict import predict
from serving.inference.regress import regress
from serving.lifecycle.core import Core
from serving.lifecycle.use import Use
from serving.metrics import Metrics
from serving.servable import Servable
from wire import messages


class Dataplane:
    """Answers requests from the versions that are served. Thread-safe; every method raises `RequestError`.

    Codes and texts are TensorFlow Serving's. `timeout_s` limits the load that a lazy server may have to do first, and
    each run of a signature.
    """

    def __init__(self, core: Core, metrics: Metrics, *, check_method_names: bool = False) -> None:
        """`check_method_names`: each RPC insists on the `method_name` of the signature it asks."""
        self._core = core
        self._metrics = metrics
        self._check_method_names = check_method_names

    def predict(self, request: Any, timeout_s: float | None, *, tensor_content: bool = False) -> Any:
        """`PredictRequest` to `PredictResponse`; numbers travel as typed values, or as `tensor_content`."""
        with self._use(_spec(request), timeout_s) as servable:
            return predict(self._call(servable, "Predict", timeout_s), request, tensor_content=tensor_content)

    def classify(self, request: Any, timeout_s: float | None) -> Any:
        """`ClassificationRequest` to `ClassificationResponse`."""
        with self.call(_spec(request), "Classify", timeout_s) as call:
            return classify(call, request)

    def regress(self, request: Any, timeout_s: float | None) -> Any:
        """`RegressionRequest` to `RegressionResponse`."""
        with self.call(_spec(request), "Regress", timeout_s) as call:
            return regress(call, request)

    def multi_inference(self, request: Any, timeout_s: float | None) -> Any:
        """`MultiInferenceRequest` to `MultiInferenceResponse`. The first task decides on model and version."""
        spec = request.tasks[0].model_spec if request.tasks else messages.ModelSpec()
        with self.call(spec, "MultiInference", timeout_s) as call:
            return multi_inference(call, request)

    def metadata(self, request: Any, timeout_s: float | None) -> Any:
        """`GetModelMetadataRequest` to `GetModelMetadataResponse`."""
        spec = _spec(request)
        metadata.check_fields(request)
        with self._use(spec, timeout_s) as servable:
            return metadata.metadata(servable)

    @contextmanager
    def call(self, spec: Any, api: str, timeout_s: float | None) -> Iterator[Call]:
        """A call of the RPC `api` on the version a `ModelSpec` names, which stays loaded inside the `with` block."""
        with self._use(spec, timeout_s) as servable:
            yield self._call(servable, api, timeout_s)

    def _call(self, servable: Servable, api: str, timeout_s: float | None) -> Call:
        return Call(servable, api, timeout_s, self._metrics, self._check_method_names)

    def _use(self, spec: Any, timeout_s: float | None) -> Use:
        if not spec.name:
            raise RequestError(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        version = spec.version.value if spec.HasField("version") else None
        label = spec.version_label if spec.HasField("version_label") else None
        return self._core.use(spec.name, version=version, label=label, timeout_s=timeout_s)


def _spec(request: Any) -> Any:
    if not request.HasField("model_spec"):
        raise RequestError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
    return request.model_spec
