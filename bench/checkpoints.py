"""The weights of a GPT-2 of keras-hub's as PyTorch's `transformers` reads them: `config.json`, `model.safetensors`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

_NORMS = {"self_attention_layer_norm": "ln_1", "feedforward_layer_norm": "ln_2"}
_DENSE = {"feedforward_intermediate_dense": "mlp.c_fc", "feedforward_output_dense": "mlp.c_proj"}


def write_gpt2(backbone: "keras.Model", folder: Path) -> None:
    """Writes `folder`, which must not exist. Kernels lie as they do in Keras: GPT-2's are not transposed in PyTorch."""
    from safetensors.numpy import save_file

    values = {variable.path: np.ascontiguousarray(variable) for variable in backbone.variables}
    tensors = {
        "transformer.wte.weight": values["token_embedding/embeddings"],
        "transformer.wpe.weight": values["position_embedding/embeddings"],
        "transformer.ln_f.weight": values["layer_norm/gamma"],
        "transformer.ln_f.bias": values["layer_norm/beta"],
    }
    for number in range(backbone.num_layers):
        block = {
            name.removeprefix(prefix): value
            for name, value in values.items()
            if name.startswith(prefix := f"transformer_layer_{number}/")
        }
        tensors |= {f"transformer.h.{number}.{name}": value for name, value in _block(block).items()}
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors")
    vocabulary, width = values["token_embedding/embeddings"].shape
    config = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "vocab_size": vocabulary,
        "n_positions": len(values["position_embedding/embeddings"]),
        "n_embd": width,
        "n_inner": backbone.intermediate_dim,
        "n_layer": backbone.num_layers,
        "n_head": backbone.num_heads,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    (folder / "config.json").write_text(json.dumps(config))


def _block(values: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Of one layer. Heads lie side by side; query, key and value are one matrix."""
    width = values["self_attention/attention_output/bias"].size
    parts = [f"self_attention/{name}" for name in ("query", "key", "value")]
    block = {
        "attn.c_attn.weight": np.concatenate([values[f"{part}/kernel"].reshape(width, -1) for part in parts], axis=1),
        "attn.c_attn.bias": np.concatenate([values[f"{part}/bias"].ravel() for part in parts]),
        "attn.c_proj.weight": values["self_attention/attention_output/kernel"].reshape(-1, width),
        "attn.c_proj.bias": values["self_attention/attention_output/bias"],
    }
    for ours, theirs in _NORMS.items():
        block |= {f"{theirs}.weight": values[f"{ours}/gamma"], f"{theirs}.bias": values[f"{ours}/beta"]}
    for ours, theirs in _DENSE.items():
        block |= {f"{theirs}.weight": values[f"{ours}/kernel"], f"{theirs}.bias": values[f"{ours}/bias"]}
    return block
