"""Server reflection: clients such as grpcurl ask a server for its services and their messages."""

from collections.abc import Iterable

import grpc
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from wire.descriptors import DESCRIPTORS


def add_reflection(server: grpc.Server, services: Iterable[str]) -> None:
    """Lets `server` describe `services`, health and reflection itself."""
    named = [*services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(named, server, pool=_pool())


def _pool() -> DescriptorPool:
    """TensorFlow Serving's files and ours, with those of grpc's own services, which `wire.messages` has no use for."""
    pool = DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        pool.Add(file)
    for module in (health_pb2, reflection_pb2):
        file = descriptor_pb2.FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        pool.Add(file)
    return pool
