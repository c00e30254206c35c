"""The RPCs of TensorFlow Serving's two services, and those kmaas adds, as a table."""

from dataclasses import dataclass
from typing import Any

from wire import messages


@dataclass(frozen=True)
class Method:
    """A unary RPC: its service and name, and the message classes of both directions."""

    service: str
    name: str
    request: Any
    response: Any

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"


PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
CATALOG_SERVICE = "kmaas.serving.Catalog"

PREDICT = Method(PREDICTION_SERVICE, "Predict", messages.PredictRequest, messages.PredictResponse)
CLASSIFY = Method(PREDICTION_SERVICE, "Classify", messages.ClassificationRequest, messages.ClassificationResponse)
REGRESS = Method(PREDICTION_SERVICE, "Regress", messages.RegressionRequest, messages.RegressionResponse)
MULTI_INFERENCE = Method(
    PREDICTION_SERVICE, "MultiInference", messages.MultiInferenceRequest, messages.MultiInferenceResponse
)
GET_MODEL_METADATA = Method(
    PREDICTION_SERVICE, "GetModelMetadata", messages.GetModelMetadataRequest, messages.GetModelMetadataResponse
)
GET_MODEL_STATUS = Method(
    MODEL_SERVICE, "GetModelStatus", messages.GetModelStatusRequest, messages.GetModelStatusResponse
)
RELOAD_CONFIG = Method(
    MODEL_SERVICE, "HandleReloadConfigRequest", messages.ReloadConfigRequest, messages.ReloadConfigResponse
)
# What TensorFlow Serving cannot do (there UNIMPLEMENTED): see protos/catalog.proto.
LIST_MODELS = Method(CATALOG_SERVICE, "ListModels", messages.ListModelsRequest, messages.ListModelsResponse)
ADD_MODEL = Method(CATALOG_SERVICE, "AddModel", messages.AddModelRequest, messages.AddModelResponse)
REMOVE_MODEL = Method(CATALOG_SERVICE, "RemoveModel", messages.RemoveModelRequest, messages.RemoveModelResponse)

# The metadata with which a client asks for `tensor_content` instead of typed values, a hundred times faster to write
# and read. Servers that do not know it ignore it.
TENSOR_CONTENT_KEY = "kmaas-tensor-content"
