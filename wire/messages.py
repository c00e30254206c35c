"""TensorFlow Serving's protobuf messages, the Open Inference Protocol's and our few, in a private descriptor pool.

They are built from `descriptors.binpb`.

The private pool coexists with TensorFlow in one process; its messages are other classes than TensorFlow's, so only
bytes cross between the two. Message classes are `Any` to the type checker: their attributes exist at run time only.
"""

from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

from wire.descriptors import DESCRIPTORS


@cache
def pool() -> DescriptorPool:
    """The private pool with all files of `descriptors.binpb`."""
    built = DescriptorPool()
    for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        built.Add(file)
    return built


def message(full_name: str) -> Any:
    """The class of a message by its protobuf name, e.g. `tensorflow.serving.PredictRequest`."""
    return GetMessageClass(pool().FindMessageTypeByName(full_name))


TensorProto = message("tensorflow.TensorProto")
SignatureDef = message("tensorflow.SignatureDef")
MetaGraphDef = message("tensorflow.MetaGraphDef")
SavedModel = message("tensorflow.SavedModel")
Example = message("tensorflow.Example")

ModelSpec = message("tensorflow.serving.ModelSpec")
PredictRequest = message("tensorflow.serving.PredictRequest")
PredictResponse = message("tensorflow.serving.PredictResponse")
ClassificationRequest = message("tensorflow.serving.ClassificationRequest")
ClassificationResponse = message("tensorflow.serving.ClassificationResponse")
RegressionRequest = message("tensorflow.serving.RegressionRequest")
RegressionResponse = message("tensorflow.serving.RegressionResponse")
MultiInferenceRequest = message("tensorflow.serving.MultiInferenceRequest")
MultiInferenceResponse = message("tensorflow.serving.MultiInferenceResponse")
GetModelMetadataRequest = message("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = message("tensorflow.serving.GetModelMetadataResponse")
SignatureDefMap = message("tensorflow.serving.SignatureDefMap")
PredictionLog = message("tensorflow.serving.PredictionLog")

GetModelStatusRequest = message("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = message("tensorflow.serving.GetModelStatusResponse")
ModelVersionStatus = message("tensorflow.serving.ModelVersionStatus")
ReloadConfigRequest = message("tensorflow.serving.ReloadConfigRequest")
ReloadConfigResponse = message("tensorflow.serving.ReloadConfigResponse")
ModelServerConfig = message("tensorflow.serving.ModelServerConfig")
ModelConfig = message("tensorflow.serving.ModelConfig")

BatchingParameters = message("tensorflow.serving.BatchingParameters")
SSLConfig = message("tensorflow.serving.SSLConfig")
MonitoringConfig = message("tensorflow.serving.MonitoringConfig")

ListModelsRequest = message("kmaas.serving.ListModelsRequest")
ListModelsResponse = message("kmaas.serving.ListModelsResponse")
ServedModel = message("kmaas.serving.ServedModel")
AddModelRequest = message("kmaas.serving.AddModelRequest")
AddModelResponse = message("kmaas.serving.AddModelResponse")
RemoveModelRequest = message("kmaas.serving.RemoveModelRequest")
RemoveModelResponse = message("kmaas.serving.RemoveModelResponse")

ServerLiveRequest = message("inference.ServerLiveRequest")
ServerLiveResponse = message("inference.ServerLiveResponse")
ServerReadyRequest = message("inference.ServerReadyRequest")
ServerReadyResponse = message("inference.ServerReadyResponse")
ModelReadyRequest = message("inference.ModelReadyRequest")
ModelReadyResponse = message("inference.ModelReadyResponse")
ServerMetadataRequest = message("inference.ServerMetadataRequest")
ServerMetadataResponse = message("inference.ServerMetadataResponse")
ModelMetadataRequest = message("inference.ModelMetadataRequest")
ModelMetadataResponse = message("inference.ModelMetadataResponse")
ModelInferRequest = message("inference.ModelInferRequest")
ModelInferResponse = message("inference.ModelInferResponse")
ModelStreamInferResponse = message("inference.ModelStreamInferResponse")
InferTensorContents = message("inference.InferTensorContents")
