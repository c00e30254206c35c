"""The RPCs of TensorFlow Serving's two services, those kmaas adds, and those of the Open Inference Protocol."""

from dataclasses import dataclass
from typing import Any

from wire import messages


@dataclass(frozen=True)
class Method:
    """An RPC: its service and name, and the message classes of both directions."""

    service: str
    name: str
    request: Any
    response: Any

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"


DEFAULT_SIGNATURE = "serving_default"  # what a request without a signature's name asks

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
CATALOG_SERVICE = "kmaas.serving.Catalog"
INFERENCE_SERVICE = "inference.GRPCInferenceService"

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

SERVER_LIVE = Method(INFERENCE_SERVICE, "ServerLive", messages.ServerLiveRequest, messages.ServerLiveResponse)
SERVER_READY = Method(INFERENCE_SERVICE, "ServerReady", messages.ServerReadyRequest, messages.ServerReadyResponse)
MODEL_READY = Method(INFERENCE_SERVICE, "ModelReady", messages.ModelReadyRequest, messages.ModelReadyResponse)
SERVER_METADATA = Method(
    INFERENCE_SERVICE, "ServerMetadata", messages.ServerMetadataRequest, messages.ServerMetadataResponse
)
MODEL_METADATA = Method(
    INFERENCE_SERVICE, "ModelMetadata", messages.ModelMetadataRequest, messages.ModelMetadataResponse
)
MODEL_INFER = Method(INFERENCE_SERVICE, "ModelInfer", messages.ModelInferRequest, messages.ModelInferResponse)
# The one whose both sides are streams.
MODEL_STREAM_INFER = Method(
    INFERENCE_SERVICE, "ModelStreamInfer", messages.ModelInferRequest, messages.ModelStreamInferResponse
)

# The metadata with which a client asks for `tensor_content` instead of typed values, a hundred times faster to write
# and read. Servers that do not know it ignore it.
TENSOR_CONTENT_KEY = "kmaas-tensor-content"
