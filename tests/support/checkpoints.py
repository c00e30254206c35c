"""Tiny language models in Hugging Face's layout, their weights drawn; a token is a byte.

What `transformers` makes of them is recorded in `tests/training/data/checkpoints.json`: it was given these very files.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tests.support.small_text_models import END, TEMPLATE, byte_tokenizer

TOKENIZER = byte_tokenizer()
LONGEST = 64

_VOCABULARY, _WIDTH, _INNER, _LAYERS, _HEADS, _KV_HEADS, _HEAD = TOKENIZER.get_vocab_size(), 32, 48, 2, 4, 2, 8
_LETTERS = "abcdefghijklmnopqrstuvwxyz "
_COMMON = {
    "vocab_size": _VOCABULARY,
    "hidden_size": _WIDTH,
    "intermediate_size": _INNER,
    "num_hidden_layers": _LAYERS,
    "num_attention_heads": _HEADS,
    "num_key_value_heads": _KV_HEADS,
    "max_position_embeddings": LONGEST,
    "eos_token_id": TOKENIZER.token_to_id(END),
}
_ROPE = {"rope_theta": 10_000.0, "rope_type": "default"}
_SCALED = {
    "rope_type": "llama3",
    "rope_theta": 50_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}
_GEMMA = {"head_dim": _HEAD, "hidden_activation": "gelu_pytorch_tanh", "rms_norm_eps": 1e-6}
_SILU = {"hidden_act": "silu", "rms_norm_eps": 1e-5}
CONFIGS: dict[str, dict[str, Any]] = {
    "gpt2": {
        "model_type": "gpt2",
        "vocab_size": _VOCABULARY,
        "n_positions": LONGEST,
        "n_embd": _WIDTH,
        "n_layer": _LAYERS,
        "n_head": _HEADS,
        "resid_pdrop": 0.1,
        "eos_token_id": TOKENIZER.token_to_id(END),
        "bos_token_id": None,
    },
    "llama": {"model_type": "llama", **_COMMON, **_SILU, "rope_parameters": _ROPE, "tie_word_embeddings": False},
    "llama-scaled": {
        "model_type": "llama",
        **_COMMON,
        **_SILU,
        "rope_parameters": _SCALED,
        "tie_word_embeddings": True,
    },
    "qwen2": {
        "model_type": "qwen2",
        **_COMMON,
        **_SILU,
        "rope_parameters": _ROPE,
        "use_sliding_window": False,
        "sliding_window": None,
        "tie_word_embeddings": True,
    },
    "qwen3": {
        "model_type": "qwen3",
        **_COMMON,
        **_SILU,
        "head_dim": 2 * _HEAD,
        "rope_parameters": _ROPE,
        "use_sliding_window": False,
        "sliding_window": None,
        "tie_word_embeddings": True,
    },
    "gemma": {"model_type": "gemma", **_COMMON, **_GEMMA, "rope_parameters": _ROPE, "tie_word_embeddings": True},
    "gemma3": {
        "model_type": "gemma3_text",
        **_COMMON,
        **_GEMMA,
        "query_pre_attn_scalar": _HEAD,
        "sliding_window": 8,
        "layer_types": ["sliding_attention", "sliding_attention"],
        "rope_parameters": {
            "full_attention": {"rope_theta": 1_000_000.0, "rope_type": "default"},
            "sliding_attention": {"rope_theta": 10_000.0, "rope_type": "default"},
        },
        "tie_word_embeddings": True,
    },
}


def tensors_of(family: str) -> dict[str, NDArray[np.float32]]:
    """Only letters, spaces and the end have a vector that is not small, so nearly always one of them is most likely."""
    rng = np.random.default_rng(11)
    config = CONFIGS[family]
    made = {}
    for name, shape in _shapes(config):
        drawn = rng.normal(0, 0.3 if len(shape) > 1 else 0.1, shape)
        scale = name.endswith("weight") and len(shape) == 1 and not config["model_type"].startswith("gemma")
        made[name] = (drawn + scale).astype(np.float32)
    likely = np.full((_VOCABULARY, 1), 0.02, np.float32)
    likely[TOKENIZER.encode(_LETTERS + END).ids] = 1
    for table in ("wte.weight", "model.embed_tokens.weight", "lm_head.weight"):
        if table in made:
            made[table] *= likely
    return made


def write_checkpoint(folder: Path, family: str, *, chats: bool = False, shards: int = 1) -> Path:
    """As `save_pretrained` leaves it, with a card that names a licence."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIGS[family]))
    (folder / "tokenizer.json").write_text(TOKENIZER.to_str())
    told = {"eos_token": END, **({"chat_template": TEMPLATE} if chats else {})}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    tensors = tensors_of(family)
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        return folder
    files = {name: f"model-{number % shards + 1:05}.safetensors" for number, name in enumerate(tensors)}
    for file in set(files.values()):
        save_file({name: of for name, of in tensors.items() if files[name] == file}, folder / file, {"format": "pt"})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return folder


def _shapes(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from _gpt2() if config["model_type"] == "gpt2" else _gated(config)


def _gpt2() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "wte.weight", (_VOCABULARY, _WIDTH)
    yield "wpe.weight", (LONGEST, _WIDTH)
    for layer in range(_LAYERS):
        for name, given, out in (
            ("attn.c_attn", _WIDTH, 3 * _WIDTH),
            ("attn.c_proj", _WIDTH, _WIDTH),
            ("mlp.c_fc", _WIDTH, 4 * _WIDTH),
            ("mlp.c_proj", 4 * _WIDTH, _WIDTH),
        ):
            yield f"h.{layer}.{name}.weight", (given, out)
            yield f"h.{layer}.{name}.bias", (out,)
        for name in ("ln_1", "ln_2"):
            yield from ((f"h.{layer}.{name}.{what}", (_WIDTH,)) for what in ("weight", "bias"))
    yield from ((f"ln_f.{what}", (_WIDTH,)) for what in ("weight", "bias"))


def _gated(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    kind, head = config["model_type"], config.get("head_dim", _HEAD)
    yield "model.embed_tokens.weight", (_VOCABULARY, _WIDTH)
    for layer in range(_LAYERS):
        at = f"model.layers.{layer}"
        for name, heads in (("q", _HEADS), ("k", _KV_HEADS), ("v", _KV_HEADS)):
            yield f"{at}.self_attn.{name}_proj.weight", (heads * head, _WIDTH)
            if kind == "qwen2":
                yield f"{at}.self_attn.{name}_proj.bias", (heads * head,)
        yield f"{at}.self_attn.o_proj.weight", (_WIDTH, _HEADS * head)
        if kind in {"qwen3", "gemma3_text"}:
            yield from ((f"{at}.self_attn.{name}_norm.weight", (head,)) for name in ("q", "k"))
        yield f"{at}.mlp.gate_proj.weight", (_INNER, _WIDTH)
        yield f"{at}.mlp.up_proj.weight", (_INNER, _WIDTH)
        yield f"{at}.mlp.down_proj.weight", (_WIDTH, _INNER)
        norms = ["input_layernorm", "post_attention_layernorm"]
        if kind == "gemma3_text":
            norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
        yield from ((f"{at}.{name}.weight", (_WIDTH,)) for name in norms)
    yield "model.norm.weight", (_WIDTH,)
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", (_VOCABULARY, _WIDTH)
