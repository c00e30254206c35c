"""TensorFlow Serving's protobuf messages, built from `descriptors.binpb` in a private descriptor pool.

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
    """The private pool with TensorFlow Serving's files."""
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

ModelSpec = message("tensorflow.serving.ModelSpec")
PredictRequest = message("tensorflow.serving.PredictRequest")
PredictResponse = message("tensorflow.serving.PredictResponse")
GetModelMetadataRequest = message("tensorflow.serving.GetModelMetadataRequest")
GetModelMetadataResponse = message("tensorflow.serving.GetModelMetadataResponse")
SignatureDefMap = message("tensorflow.serving.SignatureDefMap")
GetModelStatusRequest = message("tensorflow.serving.GetModelStatusRequest")
GetModelStatusResponse = message("tensorflow.serving.GetModelStatusResponse")
ModelVersionStatus = message("tensorflow.serving.ModelVersionStatus")
ModelServerConfig = message("tensorflow.serving.ModelServerConfig")
