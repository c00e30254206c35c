"""Tiny classifiers of photographs in Hugging Face's layout, their weights drawn.

What `transformers` makes of them is recorded in `tests/training/data/picture_checkpoints.json`: it was given these very
files.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.imagenet import LABELS

SIDE = 32

_NAMES = {"id2label": {str(number): label for number, label in enumerate(LABELS)}}
_POSITIVE = ("running_var", "normalization.weight", "norm.weight", "before.weight", "after.weight")
_WIDTH, _INNER, _LAYERS, _PATCH = 16, 24, 2, 8
_RESNET = {
    "model_type": "resnet",
    "architectures": ["ResNetForImageClassification"],
    "embedding_size": 64,
    "num_channels": 3,
    "hidden_act": "relu",
    **_NAMES,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "vit": {
        "model_type": "vit",
        "architectures": ["ViTForImageClassification"],
        "image_size": SIDE,
        "patch_size": _PATCH,
        "num_channels": 3,
        "num_hidden_layers": _LAYERS,
        "num_attention_heads": 2,
        "hidden_size": _WIDTH,
        "intermediate_size": _INNER,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-3,
        "qkv_bias": True,
        **_NAMES,
    },
    "resnet": {**_RESNET, "hidden_sizes": [64, 32], "depths": [2, 1], "layer_type": "basic"},
    "resnet-bottleneck": {**_RESNET, "hidden_sizes": [256, 64], "depths": [1, 2], "layer_type": "bottleneck"},
}
PROCESSORS: dict[str, dict[str, Any]] = {
    "vit": {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": SIDE, "width": SIDE},
        "resample": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "rescale_factor": 1 / 255,
    },
    "resnet": {
        "image_processor_type": "ConvNextImageProcessor",
        "size": {"shortest_edge": SIDE},
        "crop_pct": 0.875,
        "resample": 3,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "rescale_factor": 1 / 255,
    },
}


def tensors_of(family: str) -> dict[str, NDArray[np.float32]]:
    """Statistics of a normalisation are such as it might have seen."""
    rng = np.random.default_rng(5)
    made = {}
    for name, shape in _shapes(CONFIGS[family]):
        spread = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.1
        drawn = rng.normal(0, spread, shape)
        made[name] = (np.abs(drawn) + 1 if name.endswith(_POSITIVE) else drawn).astype(np.float32)
    return made


def write_picture_checkpoint(folder: Path, family: str, *, licence: str | None = "apache-2.0") -> Path:
    """As `save_pretrained` leaves it, with a card."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIGS[family]))
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSORS[family.partition("-")[0]]))
    if licence:
        (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    save_file(tensors_of(family), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _shapes(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from _of_vit() if config["model_type"] == "vit" else _of_resnet(config)


def _of_vit() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "vit.embeddings.cls_token", (1, 1, _WIDTH)
    yield "vit.embeddings.position_embeddings", (1, (SIDE // _PATCH) ** 2 + 1, _WIDTH)
    yield "vit.embeddings.patch_embeddings.projection.weight", (_WIDTH, 3, _PATCH, _PATCH)
    yield "vit.embeddings.patch_embeddings.projection.bias", (_WIDTH,)
    for number in range(_LAYERS):
        layer = f"vit.encoder.layer.{number}"
        attention = [f"{layer}.attention.attention.{part}" for part in ("query", "key", "value")]
        for name in (*attention, f"{layer}.attention.output.dense"):
            yield from _linear(name, _WIDTH, _WIDTH)
        yield from _linear(f"{layer}.intermediate.dense", _INNER, _WIDTH)
        yield from _linear(f"{layer}.output.dense", _WIDTH, _INNER)
        for name in (f"{layer}.layernorm_before", f"{layer}.layernorm_after"):
            yield f"{name}.weight", (_WIDTH,)
            yield f"{name}.bias", (_WIDTH,)
    yield "vit.layernorm.weight", (_WIDTH,)
    yield "vit.layernorm.bias", (_WIDTH,)
    yield from _linear("classifier", len(LABELS), _WIDTH)


def _of_resnet(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    entering = config["embedding_size"]
    yield from _convolution("resnet.embedder.embedder", entering, 3, 7)
    for stage, (width, depth) in enumerate(zip(config["hidden_sizes"], config["depths"], strict=True)):
        for number in range(depth):
            layer = f"resnet.encoder.stages.{stage}.layers.{number}"
            if entering != width or (stage and not number):
                yield from _convolution(f"{layer}.shortcut", width, entering, 1)
            if config["layer_type"] == "basic":
                steps = [(width, entering, 3), (width, width, 3)]
            else:
                steps = [(width // 4, entering, 1), (width // 4, width // 4, 3), (width, width // 4, 1)]
            for step, (out, into, kernel) in enumerate(steps):
                yield from _convolution(f"{layer}.layer.{step}", out, into, kernel)
            entering = width
    yield from _linear("classifier.1", len(LABELS), entering)


def _linear(name: str, out: int, into: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (out, into)
    yield f"{name}.bias", (out,)


def _convolution(name: str, out: int, into: int, kernel: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.convolution.weight", (out, into, kernel, kernel)
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.normalization.{part}", (out,)
