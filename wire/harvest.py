"""Makes `descriptors.binpb`: the file descriptors of TensorFlow Serving's API, and of `protos/`.

`python -m wire.harvest` rewrites the file; a test fails when it is not what this script makes. The API's descriptors
come from the package `tensorflow-serving-api`, which brings TensorFlow: that is why nothing else in `wire` touches it.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from wire.descriptors import DESCRIPTORS

_ROOTS = (
    "tensorflow.core.protobuf.saved_model_pb2",
    "tensorflow_serving.apis.prediction_service_pb2",
    "tensorflow_serving.apis.model_service_pb2",
    "tensorflow_serving.apis.prediction_log_pb2",
    "tensorflow_serving.config.model_server_config_pb2",
    "google.protobuf.wrappers_pb2",
)
_PROTOS = Path(__file__).with_name("protos")


def harvest() -> bytes:
    """The serialized `FileDescriptorSet` of the API, of our protos, and of all they import; dependencies first."""
    files: dict[str, FileDescriptorProto] = {}
    for root in _ROOTS:
        for file in _with_dependencies(import_module(root).DESCRIPTOR):
            proto = FileDescriptorProto()
            file.CopyToProto(proto)
            files.setdefault(file.name, proto)
    api = FileDescriptorSet(file=files.values())
    api.file.extend(_compiled(api).file)
    return api.SerializeToString(deterministic=True)


def _with_dependencies(file: Any) -> Iterator[Any]:
    for dependency in file.dependencies:
        yield from _with_dependencies(dependency)
    yield file


def _compiled(api: FileDescriptorSet) -> FileDescriptorSet:
    """Our own protos, which import the API's."""
    with tempfile.TemporaryDirectory() as folder:
        known, made = Path(folder) / "known", Path(folder) / "made"
        known.write_bytes(api.SerializeToString())
        protos = sorted(path.name for path in _PROTOS.glob("*.proto"))
        protoc = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"--descriptor_set_in={known}"]
        subprocess.run([*protoc, f"--descriptor_set_out={made}", *protos], check=True, cwd=_PROTOS)
        return FileDescriptorSet.FromString(made.read_bytes())


if __name__ == "__main__":
    DESCRIPTORS.write_bytes(harvest())
