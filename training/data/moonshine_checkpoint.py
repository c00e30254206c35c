"""A Moonshine that somebody keeps in a folder: Hugging Face's layout, or keras-hub's own."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from models.moonshine import SAMPLE_RATE, MoonshineSize, fill_moonshine
from models.speech_checkpoint import MOONSHINE
from training.data.checkpoint import CONFIG, Kept, document, optional, require_built_in, require_tokens_to_fit
from training.data.hub_preset import fill_from_preset, parameters_of, weights_of
from training.data.moonshine import spaced
from training.data.sentencepiece import read_sentencepiece
from training.data.tensor_files import fill_from_files, tensor_files, tensor_sizes
from training.errors import CheckpointError, DataError

_TOKENIZER, _PROCESSOR, _PIECES = "tokenizer.json", "preprocessor_config.json", "assets/tokenizer/vocabulary.spm"
MOONSHINE_FILES = (_TOKENIZER, _PIECES)
_MOST_TOKENS = 186  # in 30 s
_HEAD = "proj_out.weight"  # the table of tokens again
_START, _END = "<s>", "</s>"
_NETWORK: Mapping[str, tuple[Any, ...]] = {
    "encoder_hidden_act": ("gelu",),
    "decoder_hidden_act": ("silu",),
    "attention_bias": (False,),
    "rope_theta": (10_000.0,),
    "rope_scaling": (None,),
    "tie_word_embeddings": (True,),
}
_HEARD = {"sampling_rate": (SAMPLE_RATE,), "do_normalize": (False,)}
_HUB: Mapping[str, tuple[Any, ...]] = {
    "feedforward_expansion_factor": (4,),
    "encoder_use_swiglu_activation": (False,),
    "decoder_use_swiglu_activation": (True,),
    "attention_bias": (False,),
    "rope_theta": (10_000.0,),
}

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class MoonshineCheckpoint(Kept):
    """What a folder says, before its weights are read.

    Attributes:
        start, end: tokens.
        tokenizer: the document `tokenizer.json`.
        fill: gives a backbone of this size its weights. Raises `CheckpointError`.
    """

    size: MoonshineSize
    start: int
    end: int
    tokenizer: str
    fill: Callable[[Any], None]

    @property
    def settings(self) -> dict[str, Any]:
        told = {"size": self.size, "start": self.start, "end": self.end}
        return {"network": MOONSHINE, **told, "most_tokens": _MOST_TOKENS}


def read_moonshine_checkpoint(folder: Path) -> MoonshineCheckpoint:
    """Raises `CheckpointError` when a file is missing or unreadable, or it is built otherwise than keras-hub's."""
    config = document(folder, CONFIG)
    try:
        checkpoint = _of_hub(folder, config) if "registered_name" in config else _of_hugging_face(folder, config)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise CheckpointError(folder, f"its files do not tell what it is: {exc!r}") from exc
    size = checkpoint.size
    heads = (size.encoder_heads, size.decoder_heads)
    layers = (size.encoder_layers, size.decoder_layers)
    checkpoint.require_sizes(vocabulary=size.vocabulary, width=size.width, layers=layers, heads=heads)
    if not 0 < size.turned <= 1:
        raise CheckpointError(folder, f"its partial_rotary_factor is {size.turned}, expected one above 0, at most 1")
    if not {checkpoint.start, checkpoint.end} <= {*range(size.vocabulary)}:
        told = f"{checkpoint.start} and {checkpoint.end}"
        raise CheckpointError(folder, f"its texts begin and end with {told}, its tokens are {size.vocabulary}")
    require_tokens_to_fit(folder, checkpoint.tokenizer, size.vocabulary)
    return checkpoint


def _of_hugging_face(folder: Path, config: Facts) -> MoonshineCheckpoint:
    turning = config.get("rope_parameters") or {}
    config = {**config, **turning}
    width = int(config["hidden_size"])
    encoder, decoder = (int(config[f"{side}_num_attention_heads"]) for side in ("encoder", "decoder"))
    even = {
        "intermediate_size": (4 * width,),
        "encoder_num_key_value_heads": (encoder, None),
        "decoder_num_key_value_heads": (decoder, None),
        "rope_type": ("default",),
    }
    require_built_in(folder, config, {**_NETWORK, **even}, "Moonshine")
    require_built_in(folder, optional(folder, _PROCESSOR), _HEARD, "Moonshine")
    weights = tensor_files(folder)
    names = (CONFIG, _TOKENIZER, _PROCESSOR)
    return MoonshineCheckpoint(
        folder=folder,
        parameters=sum(count for name, count in tensor_sizes(folder, weights) if name != _HEAD),
        files=(*(folder / name for name in names if (folder / name).exists()), *weights),
        size=MoonshineSize(
            vocabulary=int(config["vocab_size"]),
            width=width,
            encoder_layers=int(config["encoder_num_hidden_layers"]),
            decoder_layers=int(config["decoder_num_hidden_layers"]),
            encoder_heads=encoder,
            decoder_heads=decoder,
            turned=float(config["partial_rotary_factor"]),
        ),
        start=int(config["decoder_start_token_id"]),
        end=int(config["eos_token_id"]),
        tokenizer=spaced(json.dumps(document(folder, _TOKENIZER))),
        fill=lambda backbone: fill_from_files(folder, weights, partial(fill_moonshine, backbone)),
    )


def _of_hub(folder: Path, config: Facts) -> MoonshineCheckpoint:
    size = config["config"]
    width = int(size["hidden_dim"])
    require_built_in(folder, size, {**_HUB, "filter_dim": (width,)}, "Moonshine")
    if (kind := document(folder, _TOKENIZER).get("class_name")) != "MoonshineTokenizer":
        raise CheckpointError(folder, f"its tokenizer is a {kind!r}; what can be read is a MoonshineTokenizer")
    try:
        tokenizer = read_sentencepiece((folder / _PIECES).read_bytes())
    except (OSError, DataError) as exc:
        raise CheckpointError(folder, f"its {_PIECES} cannot be read: {exc}") from exc
    multiple, weights, numbers = size.get("pad_head_dim_to_multiple_of"), weights_of(folder), tokenizer.get_vocab()
    return MoonshineCheckpoint(
        folder=folder,
        parameters=parameters_of(folder),
        files=(*(folder / name for name in (CONFIG, *MOONSHINE_FILES)), *weights),
        size=MoonshineSize(
            vocabulary=int(size["vocabulary_size"]),
            width=width,
            encoder_layers=int(size["encoder_num_layers"]),
            decoder_layers=int(size["decoder_num_layers"]),
            encoder_heads=int(size["encoder_num_heads"]),
            decoder_heads=int(size["decoder_num_heads"]),
            turned=float(size["partial_rotary_factor"]),
            head_multiple=None if multiple is None else int(multiple),
        ),
        start=numbers[_START],
        end=numbers[_END],
        tokenizer=tokenizer.to_str(),
        fill=lambda backbone: fill_from_preset(folder, "MoonshineBackbone", backbone),
    )
