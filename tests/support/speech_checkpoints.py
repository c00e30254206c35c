"""Tiny Whispers in Hugging Face's layout, their weights drawn.

What `transformers` makes of them is recorded in `tests/training/data/speech_checkpoints.json`: it was given these very
files.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

WIDTH, HEADS, PLACES, LENGTH = 32, 2, 448, 1500
LETTERS = sorted(ByteLevel.alphabet())
_ENGLISH_MARKS = ("endoftext", "startoftranscript", "en", "de", "yue", "translate", "transcribe", "startoflm")
MARKS = {
    f"<|{name}|>": len(LETTERS) + number
    for number, name in enumerate((*_ENGLISH_MARKS, "startofprev", "nospeech", "notimestamps"))
}
_READABLE = 94  # of the letters, which come first
START, END, NO_TIMES = (MARKS[f"<|{name}|>"] for name in ("startoftranscript", "endoftext", "notimestamps"))
VOCABULARY = NO_TIMES + 1 + 1501
WORDS = 6
"""So many tokens are written before the end."""
TOKENIZER = Tokenizer(BPE({letter: number for number, letter in enumerate(LETTERS)}, []))
TOKENIZER.pre_tokenizer = ByteLevel(add_prefix_space=False)
TOKENIZER.decoder = ByteLevelDecoder()
TOKENIZER.add_special_tokens([AddedToken(mark, special=True) for mark in MARKS])

FAMILIES: dict[str, dict[str, Any]] = {
    "whisper": {"num_mel_bins": 80, "encoder_layers": 2, "decoder_layers": 2},
    "turbo": {"num_mel_bins": 128, "encoder_layers": 2, "decoder_layers": 1},
}
"""The latter with as many frequencies as large-v3, and with fewer layers in its decoder."""


def config_of(family: str) -> dict[str, Any]:
    return {
        "model_type": "whisper",
        "architectures": ["WhisperForConditionalGeneration"],
        "vocab_size": VOCABULARY,
        "d_model": WIDTH,
        "encoder_attention_heads": HEADS,
        "decoder_attention_heads": HEADS,
        "encoder_ffn_dim": 4 * WIDTH,
        "decoder_ffn_dim": 4 * WIDTH,
        "max_source_positions": LENGTH,
        "max_target_positions": PLACES,
        "activation_function": "gelu",
        "scale_embedding": False,
        "decoder_start_token_id": START,
        "pad_token_id": END,
        "bos_token_id": END,
        "eos_token_id": END,
        "suppress_tokens": [1, 2],
        "begin_suppress_tokens": [3, END],
        **FAMILIES[family],
    }


def write_speech_checkpoint(
    folder: Path, family: str, *, multilingual: bool = True, licence: str | None = "apache-2.0"
) -> Path:
    """As `save_pretrained` leaves it, with a card."""
    folder.mkdir(parents=True, exist_ok=True)
    config = config_of(family)
    processor = {"feature_size": config["num_mel_bins"], "sampling_rate": 16_000, "n_fft": 400, "hop_length": 160}
    generation = {
        "is_multilingual": multilingual,
        "suppress_tokens": [1, 2],
        "begin_suppress_tokens": [3, END],
        "alignment_heads": [[0, 1]],
    }
    documents = {"config": config, "generation_config": generation, "preprocessor_config": processor}
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    TOKENIZER.save(str(folder / "tokenizer.json"))
    if licence:
        (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    save_file(tensors_of(family), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def tensors_of(family: str) -> dict[str, NDArray[np.float32]]:
    """Each token that is written is clear, depends on what is heard, and the end comes after `WORDS`."""
    rng, made = np.random.default_rng(5), {}
    for name, shape in _shapes(FAMILIES[family]):
        spread = 0.8 if ".decoder.layers." in name and "attn" in name else 0.2
        drawn = rng.normal(0, spread, shape) if len(shape) > 1 else rng.normal(0, 0.05, shape)
        made[name] = (drawn + 1 if "layer_norm.weight" in name else drawn).astype(np.float32)
    table, places = made["model.decoder.embed_tokens.weight"], made["model.decoder.embed_positions.weight"]
    table *= 1.5 / 0.2
    places *= 1 / 0.2
    for rows in (table, places):
        rows[:, 0] = 0.0
    table[NO_TIMES + 1 :] *= 0.3  # so that words come between times
    table[_READABLE : len(LETTERS)] = 0.0
    table[[END, MARKS["<|nospeech|>"]]] = 0.0
    table[END, 0] = 15.0
    places[4 + WORDS - 1 :, 0] = 1e4  # behind a prompt of four
    return made


def _shapes(family: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    encoder, decoder = "model.encoder", "model.decoder"
    yield from _named(f"{encoder}.conv1", (WIDTH, family["num_mel_bins"], 3))
    yield from _named(f"{encoder}.conv2", (WIDTH, WIDTH, 3))
    yield f"{encoder}.embed_positions.weight", (LENGTH, WIDTH)
    yield f"{decoder}.embed_tokens.weight", (VOCABULARY, WIDTH)
    yield f"{decoder}.embed_positions.weight", (PLACES, WIDTH)
    for side, parts in ((encoder, ("self_attn",)), (decoder, ("self_attn", "encoder_attn"))):
        yield from _named(f"{side}.layer_norm", (WIDTH,))
        for number in range(family[f"{side.rpartition('.')[2]}_layers"]):
            layer = f"{side}.layers.{number}"
            for part in parts:
                for name in ("q_proj", "v_proj", "out_proj"):
                    yield from _named(f"{layer}.{part}.{name}", (WIDTH, WIDTH))
                yield f"{layer}.{part}.k_proj.weight", (WIDTH, WIDTH)
                yield from _named(f"{layer}.{part}_layer_norm", (WIDTH,))
            yield from _named(f"{layer}.fc1", (4 * WIDTH, WIDTH))
            yield from _named(f"{layer}.fc2", (WIDTH, 4 * WIDTH))
            yield from _named(f"{layer}.final_layer_norm", (WIDTH,))


def _named(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]
