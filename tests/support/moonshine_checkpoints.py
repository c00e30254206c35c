"""A tiny Moonshine in Hugging Face's layout, its weights drawn, and a vocabulary of SentencePiece."""

import json
import struct
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders
from tokenizers.models import BPE

WIDTH, HEADS = 32, 2
MARKS = ("<unk>", "<s>", "</s>")
PIECES = (*MARKS, "▁", *ascii_lowercase, "▁a", "th", "▁th", "the", "▁the")
VOCABULARY = 48
CONFIG: dict[str, Any] = {
    "model_type": "moonshine",
    "architectures": ["MoonshineForConditionalGeneration"],
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "intermediate_size": 4 * WIDTH,
    "encoder_num_hidden_layers": 1,
    "decoder_num_hidden_layers": 1,
    "encoder_num_attention_heads": HEADS,
    "decoder_num_attention_heads": HEADS,
    "encoder_num_key_value_heads": HEADS,
    "decoder_num_key_value_heads": HEADS,
    "encoder_hidden_act": "gelu",
    "decoder_hidden_act": "silu",
    "partial_rotary_factor": 0.5,
    "rope_theta": 10_000.0,
    "attention_bias": False,
    "decoder_start_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": True,
}


def write_moonshine_checkpoint(folder: Path) -> Path:
    """As `save_pretrained` leaves it, with a card."""
    folder.mkdir(parents=True, exist_ok=True)
    processor = {"feature_size": 1, "sampling_rate": 16_000, "do_normalize": False}
    for name, document in {"config": CONFIG, "preprocessor_config": processor}.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    tokenizer = Tokenizer(BPE({piece: number for number, piece in enumerate(PIECES)}, [], byte_fallback=True))
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in MARKS])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    save_file(drawn(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def drawn(layers: int = 1) -> dict[str, NDArray[np.float32]]:
    """Each token that is written is clear, and depends on those before it and on what is heard."""
    rng, made = np.random.default_rng(3), {}
    for name, shape in shapes(layers):
        spread = (
            0.5
            if name.endswith(("q_proj.weight", "k_proj.weight"))
            else 0.6
            if "decoder" in name and "mlp" in name
            else 0.3
        )
        values = rng.normal(0, spread if len(shape) > 1 else 0.1, shape)
        made[name] = (values + ("norm" in name and name.endswith("weight"))).astype(np.float32)
    table = made["model.decoder.embed_tokens.weight"]
    table *= 1.0 / 0.3
    table[: len(MARKS) + 1] = table[len(PIECES) :] = 0.0  # it writes letters
    return made


def sentencepiece() -> bytes:
    """The same pieces as SentencePiece keeps them."""
    kinds = {"<unk>": 2, "<s>": 3, "</s>": 3}
    pieces = (
        _sized(1, text.encode())
        + bytes([2 << 3 | 5])
        + struct.pack("<f", -number)
        + bytes([3 << 3, kinds.get(text, 1)])
        for number, text in enumerate(PIECES)
    )
    return b"".join(_sized(1, piece) for piece in pieces) + _sized(2, bytes([3 << 3, 2]))


def _sized(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2, len(value)]) + value


def shapes(layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    encoder, decoder = "model.encoder", "model.decoder"
    yield f"{encoder}.conv1.weight", (WIDTH, 1, 127)
    yield from _named(f"{encoder}.groupnorm", (WIDTH,), WIDTH)
    yield from _named(f"{encoder}.conv2", (2 * WIDTH, WIDTH, 7), 2 * WIDTH)
    yield from _named(f"{encoder}.conv3", (WIDTH, 2 * WIDTH, 3), WIDTH)
    yield f"{encoder}.layer_norm.weight", (WIDTH,)
    yield f"{decoder}.embed_tokens.weight", (VOCABULARY, WIDTH)
    yield f"{decoder}.norm.weight", (WIDTH,)
    for number, side in product(range(layers), (encoder, decoder)):
        name, hears = f"{side}.layers.{number}", side == encoder
        parts, wider = (("self_attn",), 4) if hears else (("self_attn", "encoder_attn"), 8)
        for part in parts:
            for of in ("q_proj", "k_proj", "v_proj", "o_proj"):
                yield f"{name}.{part}.{of}.weight", (WIDTH, WIDTH)
        yield from _named(f"{name}.mlp.fc1", (wider * WIDTH, WIDTH), wider * WIDTH)
        yield from _named(f"{name}.mlp.fc2", (WIDTH, 4 * WIDTH), WIDTH)
        yield f"{name}.input_layernorm.weight", (WIDTH,)
        yield f"{name}.post_attention_layernorm.weight", (WIDTH,)
        if not hears:
            yield f"{name}.final_layernorm.weight", (WIDTH,)


def _named(name: str, shape: tuple[int, ...], wide: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", (wide,)
