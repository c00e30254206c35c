"""Moonshine tiny by Useful Sensors, as its authors give it to browsers: weights of 8 bits, and its tokenizer."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.moonshine import MoonshineSize
from training.data.archive import tar_members, zip_member
from training.data.fetch import Package, fetch
from training.data.onnx import read_nodes, read_onnx

WEIGHTS = Package(
    kind="npm",
    name="@moonshine-ai/moonshine-js",
    version="0.1.29",
    sha256="864e17a00ed494857c71693e835306fa038e0f82002c76e3056d67d574e1c2d8",
)
TOKENIZER = Package(
    kind="pypi-wheel",
    name="useful-moonshine-onnx",
    version="20251121",
    sha256="b4189b0d7dc8064d567fd0b5d5ce78634be290b0a3a3274ab80ad11c46d531a2",
)

_FOLDER = "package/dist/model/tiny/quantized"
_ENCODER, _DECODER = f"{_FOLDER}/encoder_model.onnx", f"{_FOLDER}/decoder_model_merged.onnx"
_HEAD = 36  # numbers of one
_TURNED = 0.9
_MERGED = "_merged_0"  # both branches of the decoder have it
_PRODUCT = "/MatMul_quant"
_GROUP_NORM = {"/groupnorm/Mul": "weight", "/groupnorm/Add": "bias"}  # nodes, in the words of PyTorch
_PARTS = {".dense.": ".o_proj.", ".up_proj.": ".fc1.", ".down_proj.": ".fc2."}
_CONVOLUTION = re.compile(r"(conv\d\.weight)_quantized")


@dataclass(frozen=True)
class Moonshine:
    """`tokenizer` is the document `tokenizer.json`, `weights` are by the names that they have in PyTorch."""

    size: MoonshineSize
    weights: Mapping[str, NDArray[np.float32]]
    tokenizer: str


def tiny(cache: Path) -> Moonshine:
    """Its weights are what stands for them in 8 bits: the original ones to 1/255 of what each matrix spans."""
    members = tar_members(fetch(WEIGHTS, cache).read_bytes(), [_ENCODER, _DECODER])
    weights = dict(_in_pytorch(members[_ENCODER], "model.encoder.")) | dict(_in_pytorch(members[_DECODER], ""))
    return Moonshine(_size(weights), weights, tokenizer(cache))


def tokenizer(cache: Path) -> str:
    return spaced(zip_member(fetch(TOKENIZER, cache), "moonshine_onnx/assets/tokenizer.json").decode())


def spaced(document: str) -> str:
    """A `tokenizer.json` by which a piece of a text keeps the space that it begins with: so words can be told apart.

    Raises:
        ValueError, KeyError, TypeError: its decoder is not a sequence of steps.
    """
    told = json.loads(document)
    decoder = told["decoder"]
    if decoder["type"] != "Sequence":
        raise ValueError(f"the tokenizer's decoder is a {decoder['type']!r}, expected a Sequence")
    decoder["decoders"] = [step for step in decoder["decoders"] if step["type"] != "Strip"]
    return json.dumps(told)


def _size(weights: Mapping[str, NDArray[Any]]) -> MoonshineSize:
    vocabulary, width = weights["model.decoder.embed_tokens.weight"].shape
    encoder, decoder = (
        len([name for name in weights if re.fullmatch(rf"model\.{side}\.layers\.\d+\.mlp\.fc1\.bias", name)])
        for side in ("encoder", "decoder")
    )
    heads = width // _HEAD
    return MoonshineSize(vocabulary, width, encoder, decoder, heads, heads, _TURNED)


def _in_pytorch(file: bytes, root: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Of an encoder or a decoder; `root` is what its names lack."""
    tensors = {name.replace(_MERGED, ""): values for name, values in read_onnx(file).items()}
    for name, values in tensors.items():
        if name.endswith((".bias", "norm.weight")):
            yield root + _named(name), values
        elif found := _CONVOLUTION.fullmatch(name):
            scale, zero = (tensors[f"{found[1]}_{of}"] for of in ("scale", "zero_point"))
            yield root + found[1], values * scale + zero
        elif name == "model.decoder.embed_tokens.weight_quantized":
            yield name.removesuffix("_quantized"), _spread(tensors, name)
    for node in read_nodes(file):
        if node.operation == "MatMulInteger":
            path = node.name.removesuffix(_PRODUCT).strip("/").replace("/", ".")
            yield root + _named(f"{path}.weight"), _spread(tensors, node.inputs[1].replace(_MERGED, "")).T
        elif node.name in _GROUP_NORM:
            yield f"{root}groupnorm.{_GROUP_NORM[node.name]}", tensors[node.inputs[1]][:, 0]


def _spread(tensors: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """Numbers of 8 bits as what they stand for."""
    stem = name.removesuffix("_quantized")
    zero, scale = tensors[f"{stem}_zero_point"], tensors[f"{stem}_scale"]
    return np.asarray((tensors[name].astype(np.float32) - zero) * scale, np.float32)


def _named(name: str) -> str:
    for part, other in _PARTS.items():
        name = name.replace(part, other)
    return name
