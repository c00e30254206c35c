"""What the protocol tells of the server and of a model."""

from collections.abc import Mapping

from pydantic import BaseModel

from gateway.open_inference.datatypes import of_manifest
from gateway.tasks.base import SERVING_SIGNATURE
from gateway.tensors import public_signatures
from gateway.version import ServedVersion
from gateway.view import ModelView, available
from store.manifest import TensorSpec

PLATFORM = "tensorflow_savedmodel"


class ServerMetadata(BaseModel):
    """The gateway, and which of the protocol's extensions it has."""

    name: str = "kmaas"
    version: str = "1"
    extensions: list[str] = ["binary_tensor_data"]


class TensorMetadata(BaseModel):
    """An input or output; -1 is a dimension of any size."""

    name: str
    datatype: str
    shape: list[int]


class SignatureMetadata(BaseModel):
    """One of the ways to ask a version, which the parameter `signature` names."""

    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelMetadata(BaseModel):
    """A version's inputs and outputs: those of its signature `serving_default`, and of all `signatures`.

    `versions` are those that can be asked.
    """

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    signatures: dict[str, SignatureMetadata]


def model_metadata(version: ServedVersion, view: ModelView) -> ModelMetadata:
    told = {
        name: SignatureMetadata(inputs=_tensors(signature.inputs), outputs=_tensors(signature.outputs))
        for name, signature in public_signatures(version.manifest).items()
    }
    default = told.get(SERVING_SIGNATURE, SignatureMetadata(inputs=[], outputs=[]))
    return ModelMetadata(
        name=version.model,
        versions=[str(number) for number in sorted(available(view)) if number not in view.unfit],
        platform=PLATFORM,
        inputs=default.inputs,
        outputs=default.outputs,
        signatures=told,
    )


def _tensors(specs: Mapping[str, TensorSpec]) -> list[TensorMetadata]:
    return [
        TensorMetadata(name=name, datatype=of_manifest(spec.dtype), shape=list(spec.shape))
        for name, spec in specs.items()
    ]
