"""The RPCs of TensorFlow Serving's two services, and the one kmaas adds, as a table."""

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
GET_MODEL_METADATA = Method(
    PREDICTION_SERVICE, "GetModelMetadata", messages.GetModelMetadataRequest, messages.GetModelMetadataResponse
)
GET_MODEL_STATUS = Method(
    MODEL_SERVICE, "GetModelStatus", messages.GetModelStatusRequest, messages.GetModelStatusResponse
)
# TensorFlow Serving cannot tell which models it has. The embedded server answers with its ModelServerConfig, whose
# request message is empty; elsewhere the call is UNIMPLEMENTED and the gateway is told the names.
LIST_MODELS = Method(CATALOG_SERVICE, "ListModels", messages.ModelServerConfig, messages.ModelServerConfig)
