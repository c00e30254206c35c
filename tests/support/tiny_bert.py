"""A tiny BERT as others publish theirs: its weights by PyTorch's names, and a directory as of Hugging Face's."""

import json
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.bert import BertSize

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = (*string.ascii_lowercase, *string.digits, ".", ",", "!", "?", "'")
PIECES = (*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS[:36]))
"""A vocabulary that reads every English word, letter by letter."""


def shapes_of(size: BertSize) -> dict[str, tuple[int, ...]]:
    """As PyTorch has them."""
    width, inner = size.width, size.inner_width
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (size.vocabulary, width),
        "embeddings.position_embeddings.weight": (size.positions, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    dense = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
    for number in range(size.layers):
        layer = f"encoder.layer.{number}"
        for name in dense:
            shapes |= {f"{layer}.{name}.weight": (width, width), f"{layer}.{name}.bias": (width,)}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"{layer}.{name}.weight": (width,), f"{layer}.{name}.bias": (width,)}
        shapes |= {f"{layer}.intermediate.dense.weight": (inner, width), f"{layer}.intermediate.dense.bias": (inner,)}
        shapes |= {f"{layer}.output.dense.weight": (width, inner), f"{layer}.output.dense.bias": (width,)}
    return shapes


def safetensors(tensors: Mapping[str, Any]) -> bytes:
    header: dict[str, Any] = {}
    data = b""
    for name, values in tensors.items():
        part = np.asarray(values, "<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(part)],
        }
        data += part
    document = json.dumps(header).encode()
    return len(document).to_bytes(8, "little") + document + data


def write_hugging_face(
    folder: Path, words: Sequence[str] = (), *, layers: int = 1, prefix: str = "bert.", **config: Any
) -> Path:
    """Saved with a head, as a checkpoint of a masked language model is; `words` are whole ones of its vocabulary.
    `config` overlays its config.json."""
    vocabulary = list(dict.fromkeys([*PIECES, *words]))
    size = BertSize(vocabulary=len(vocabulary), layers=layers, heads=2, width=32, inner_width=64, positions=64)
    rng = np.random.default_rng(3)
    weights = {
        prefix + name: np.ones(shape) if name.endswith("LayerNorm.weight") else rng.normal(0, 0.3, shape)
        for name, shape in shapes_of(size).items()
    }
    weights |= {f"{prefix}pooler.dense.weight": np.zeros((32, 32)), "cls.predictions.bias": np.zeros(len(vocabulary))}
    document = {
        "model_type": "bert",
        "vocab_size": size.vocabulary,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "hidden_size": size.width,
        "intermediate_size": size.inner_width,
        "max_position_embeddings": size.positions,
        "hidden_act": "gelu",
    }
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(document | config))
    (folder / "model.safetensors").write_bytes(safetensors(weights))
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    return folder
