"""Server reflection: clients such as grpcurl ask a server for its services and their messages.

On threads of its own: a client may keep such a stream open and say nothing.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from wire.descriptors import DESCRIPTORS
from wire.rpc.threads import Apart


def reflection_handlers(services: Iterable[str]) -> grpc.GenericRpcHandler:
    """What `grpc.Server.add_generic_rpc_handlers` takes: it describes `services`, health and reflection itself."""
    named = [*services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
    servicer = reflection.ReflectionServicer(named, _pool())
    describe = grpc.stream_stream_rpc_method_handler(
        Apart(servicer.ServerReflectionInfo, ThreadPoolExecutor(4, thread_name_prefix="grpc-reflection")),
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(reflection.SERVICE_NAME, {"ServerReflectionInfo": describe})


def _pool() -> DescriptorPool:
    """The protocols' files and ours, with those of grpc's own services, which `wire.messages` has no use for."""
    pool = DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        pool.Add(file)
    for module in (health_pb2, reflection_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        pool.Add(file)
    return pool
