"""Makes `descriptors.binpb`: the file descriptors of TensorFlow Serving's API, taken from `tensorflow-serving-api`.

`python -m wire.harvest` rewrites the file; a test fails when it is not what this script makes. The package brings
TensorFlow, which is why nothing else in `wire` touches it.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from wire.descriptors import DESCRIPTORS

_ROOTS = (
    "tensorflow_serving.apis.prediction_service_pb2",
    "tensorflow_serving.apis.model_service_pb2",
    "tensorflow_serving.apis.prediction_log_pb2",
    "tensorflow_serving.config.model_server_config_pb2",
)


def harvest() -> bytes:
    """The serialized `FileDescriptorSet` of the API and all it imports, dependencies first."""
    files: dict[str, FileDescriptorProto] = {}
    for root in _ROOTS:
        for file in _with_dependencies(import_module(root).DESCRIPTOR):
            proto = FileDescriptorProto()
            file.CopyToProto(proto)
            files.setdefault(file.name, proto)
    return FileDescriptorSet(file=files.values()).SerializeToString(deterministic=True)


def _with_dependencies(file: Any) -> Iterator[Any]:
    for dependency in file.dependencies:
        yield from _with_dependencies(dependency)
    yield file


if __name__ == "__main__":
    DESCRIPTORS.write_bytes(harvest())
