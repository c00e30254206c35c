"""A Whisper that somebody keeps in a folder: Hugging Face's layout, or keras-hub's own."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, pre_tokenizers
from tokenizers.decoders import ByteLevel

from models.whisper import CONTEXT_TOKENS, FRAMES, SAMPLE_RATE, TIMES, WINDOW_S, WhisperSize, fill_whisper
from models.whisper_tokens import Alphabet, alphabet_of
from training.data.checkpoint import (
    CONFIG,
    Kept,
    document,
    optional,
    require_built_in,
    require_tokens_to_fit,
)
from training.data.hub_preset import byte_pairs, fill_from_preset, is_mark, parameters_of, weights_of
from training.data.tensor_files import fill_from_files, tensor_files, tensor_sizes
from training.errors import CheckpointError

_TOKENIZER, _GENERATION, _PROCESSOR = "tokenizer.json", "generation_config.json", "preprocessor_config.json"
_WORDS, _MERGES, _ADDED = "vocab.json", "merges.txt", "added_tokens.json"
_HUB_WORDS, _HUB_MERGES = "assets/tokenizer/vocabulary.json", "assets/tokenizer/merges.txt"
_ENGLISH = 51_864  # tokens of every Whisper of English alone; those of many languages have more
_HEAD = "proj_out.weight"  # the table of tokens again
_NETWORK = {
    "activation_function": ("gelu",),
    "scale_embedding": (False,),
    "max_source_positions": (FRAMES // 2,),
    "max_target_positions": (CONTEXT_TOKENS,),
    "tie_word_embeddings": (True,),
}
_HEARD = {"sampling_rate": (SAMPLE_RATE,), "n_fft": (400,), "hop_length": (160,), "chunk_length": (WINDOW_S,)}
_HUB = {
    "max_encoder_sequence_length": (FRAMES,),
    "max_decoder_sequence_length": (CONTEXT_TOKENS,),
}

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class SpeechCheckpoint(Kept):
    """What a folder says, before its weights are read.

    Attributes:
        aligned_heads: see `models.transcribe.Network`.
        tokenizer: the document `tokenizer.json`.
        fill: gives a backbone of this size its weights. Raises `CheckpointError`.
    """

    size: WhisperSize
    alphabet: Alphabet
    aligned_heads: tuple[tuple[int, int], ...]
    tokenizer: str
    fill: Callable[[Any], None]

    @property
    def settings(self) -> dict[str, Any]:
        return {"size": self.size, "alphabet": self.alphabet, "aligned_heads": self.aligned_heads, "most_tokens": 224}


def read_speech_checkpoint(folder: Path) -> SpeechCheckpoint:
    """Raises `CheckpointError` when a file is missing or unreadable, or it is built otherwise than keras-hub's."""
    config = document(folder, CONFIG)
    try:
        checkpoint = _of_hub(folder, config) if "registered_name" in config else _of_hugging_face(folder, config)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise CheckpointError(folder, f"its files do not tell what it is: {exc!r}") from exc
    size = checkpoint.size
    layers = (size.layers, size.layers if size.decoder_layers is None else size.decoder_layers)
    checkpoint.require_sizes(vocabulary=size.vocabulary, width=size.width, layers=layers, heads=(size.heads,))
    require_tokens_to_fit(folder, checkpoint.tokenizer, size.vocabulary)
    if (least := checkpoint.alphabet.first_time + TIMES) > checkpoint.size.vocabulary:
        raise CheckpointError(
            folder, f"its table of tokens has {checkpoint.size.vocabulary} rows, with those of times it needs {least}"
        )
    return checkpoint


def _of_hugging_face(folder: Path, config: Facts) -> SpeechCheckpoint:
    require_built_in(folder, config, _NETWORK, "Whisper")
    width, heads = int(config["d_model"]), int(config["encoder_attention_heads"])
    even = {"decoder_attention_heads": (heads,), "encoder_ffn_dim": (4 * width,), "decoder_ffn_dim": (4 * width,)}
    require_built_in(folder, config, even, "Whisper")
    layers, decoder_layers = int(config["encoder_layers"]), int(config["decoder_layers"])
    mels, vocabulary = int(config.get("num_mel_bins", 80)), int(config["vocab_size"])
    require_built_in(folder, optional(folder, _PROCESSOR), {**_HEARD, "feature_size": (mels,)}, "Whisper")
    weights = tensor_files(folder)
    tokenizer, marks = _tokenizer(folder)
    generation = optional(folder, _GENERATION)
    alphabet = alphabet_of(
        marks,
        multilingual=bool(generation.get("is_multilingual", vocabulary > _ENGLISH)),
        never=_ids(generation, config, "suppress_tokens"),
        never_first=_ids(generation, config, "begin_suppress_tokens"),
    )
    names = (_TOKENIZER, _WORDS, _MERGES, _ADDED, _GENERATION, _PROCESSOR)
    return SpeechCheckpoint(
        folder=folder,
        parameters=sum(count for name, count in tensor_sizes(folder, weights) if name != _HEAD),
        files=(folder / CONFIG, *(folder / name for name in names if (folder / name).exists()), *weights),
        size=WhisperSize(vocabulary, layers, heads, width, mels, decoder_layers),
        alphabet=alphabet,
        aligned_heads=_aligned_heads(folder, generation, decoder_layers, heads),
        tokenizer=tokenizer,
        fill=lambda backbone: fill_from_files(folder, weights, partial(fill_whisper, backbone)),
    )


def _ids(generation: Facts, config: Facts, name: str) -> Sequence[int] | None:
    """None where neither tells."""
    told = generation.get(name, config.get(name))
    return None if told is None else [int(token) for token in told]


def _aligned_heads(folder: Path, generation: Facts, layers: int, heads: int) -> tuple[tuple[int, int], ...]:
    told = tuple((int(layer), int(head)) for layer, head in generation.get("alignment_heads") or ())
    if any(layer not in range(layers) or head not in range(heads) for layer, head in told):
        raise CheckpointError(folder, f"its alignment_heads are not all of {layers} layers with {heads} heads")
    return told


def _tokenizer(folder: Path) -> tuple[str, Mapping[str, int]]:
    """The document, and the ids of all marks."""
    if (folder / _TOKENIZER).exists():
        told = document(folder, _TOKENIZER)
        return json.dumps(told), {added["content"]: int(added["id"]) for added in told["added_tokens"]}
    vocabulary = {**document(folder, _WORDS), **optional(folder, _ADDED)}
    marks = {token: number for token, number in vocabulary.items() if is_mark(token)}
    return _document(folder, vocabulary, _MERGES, marks), marks


def _document(folder: Path, vocabulary: Mapping[str, int], merges: str, marks: Mapping[str, int]) -> str:
    tokenizer = byte_pairs(folder, {**vocabulary, **marks}, merges)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in sorted(marks, key=marks.__getitem__)])
    document: str = tokenizer.to_str()
    return document


def _of_hub(folder: Path, config: Facts) -> SpeechCheckpoint:
    size = config["config"]
    width = int(size["hidden_dim"])
    require_built_in(folder, size, {**_HUB, "intermediate_dim": (4 * width,)}, "Whisper")
    told = document(folder, _TOKENIZER)["config"]
    languages = told.get("language_tokens") or {}
    marks = {**told["special_tokens"], **languages}
    weights = weights_of(folder)
    vocabulary = document(folder, _HUB_WORDS)
    return SpeechCheckpoint(
        folder=folder,
        parameters=parameters_of(folder),
        files=(*(folder / name for name in (CONFIG, _TOKENIZER, _HUB_WORDS, _HUB_MERGES)), *weights),
        size=WhisperSize(
            vocabulary=int(size["vocabulary_size"]),
            layers=int(size["num_layers"]),
            heads=int(size["num_heads"]),
            width=width,
            mels=int(size.get("num_mels", 80)),
        ),
        alphabet=alphabet_of(marks, multilingual=bool(languages)),
        aligned_heads=(),
        tokenizer=_document(folder, vocabulary, _HUB_MERGES, marks),
        fill=lambda backbone: fill_from_preset(folder, "WhisperBackbone", backbone),
    )
