"""Reads a folder in Hugging Face's layout: config.json, safetensors, tokenizer.json, and how messages are written."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import ValidationError

from processing.spec import Drawing
from training.data.checkpoint import (
    CONFIG,
    Checkpoint,
    document,
    family_of,
    optional,
    require_built_in,
    require_tokens_to_fit,
    token_ids,
)
from training.data.tensor_files import tensor_files, tensor_sizes
from training.errors import CheckpointError

_TOKENIZER, _TOKENIZER_CONFIG, _GENERATION = "tokenizer.json", "tokenizer_config.json", "generation_config.json"
_TEMPLATE = "chat_template.jinja"
_COMPUTED = (".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq")  # kept in old files, no weights
_HEAD = "lm_head.weight"

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """One architecture as far as keras-hub has it.

    Attributes:
        backbone: keras-hub's class.
        only: what keras-hub takes for granted and does not look at: these settings may have no other value. What is
            not there counts as the first.
        longest: the setting that tells how many tokens it was made for.
        settings: that keras-hub does not read where they stand.
        amiss: what else it takes for granted; the words of what is otherwise, None where nothing is.
    """

    backbone: str
    only: Mapping[str, tuple[Any, ...]]
    longest: str = "max_position_embeddings"
    settings: Callable[[Facts], dict[str, Any]] = lambda _config: {}
    amiss: Callable[[Facts], str | None] = lambda _config: None


def _llama(config: Facts) -> dict[str, Any]:
    rope = _rope(config)
    told: dict[str, Any] = {"layer_norm_epsilon": config.get("rms_norm_eps", 1e-6)}
    if _rope_type(config) == "llama3":
        told |= {
            "rope_frequency_adjustment_factor": rope["factor"],
            "rope_low_freq_factor": rope["low_freq_factor"],
            "rope_high_freq_factor": rope["high_freq_factor"],
            "rope_pretraining_sequence_length": rope["original_max_position_embeddings"],
        }
    return told


def _amiss(config: Facts, *, scaled: tuple[str, ...] = ("default",), split: bool = True) -> str | None:
    """`scaled`: how positions may be; `split`: whether the width is shared out evenly among the heads."""
    heads, width, head = (config.get(name) for name in ("num_attention_heads", "hidden_size", "head_dim"))
    if split and head is not None and head * heads != width:
        return f"its head_dim is {head}, not hidden_size / num_attention_heads ({width} / {heads})"
    kind = _rope_type(config)
    return None if kind in scaled else f"its positions are scaled by {kind!r}"


def _gemma3_amiss(config: Facts) -> str | None:
    """Of six layers one sees all tokens, and the two kinds turn their queries by positions of their own."""
    layers = [
        "sliding_attention" if number % 6 else "full_attention" for number in range(1, config["num_hidden_layers"] + 1)
    ]
    rope = config.get("rope_parameters") or {}
    turned = {
        "full": {
            "rope_theta": config.get("rope_theta"),
            **(config.get("rope_scaling") or {}),
            **rope.get("full_attention", {}),
        },
        "sliding": {"rope_theta": config.get("rope_local_base_freq"), **rope.get("sliding_attention", {})},
    }
    if config.get("layer_types", layers) != layers:
        return "its layer_types are not five that slide and one that sees all, in turns"
    if config.get("query_pre_attn_scalar") != config.get("head_dim"):
        return "its query_pre_attn_scalar is not its head_dim"
    if (turned["full"]["rope_theta"], turned["sliding"]["rope_theta"]) != (1e6, 1e4):
        return "its rope_theta are not 1,000,000 and 10,000"
    kinds = {str(of.get("rope_type", of.get("type", "default"))) for of in turned.values()}
    return None if kinds == {"default"} else f"its positions are scaled by {', '.join(sorted(kinds))}"


_GELU = ("gelu_pytorch_tanh", "gelu_new", None)
_GEMMA = {
    "hidden_activation": _GELU,
    "rms_norm_eps": (1e-6,),
    "attention_bias": (False,),
    "tie_word_embeddings": (True,),
}
_GATED = {"hidden_act": ("silu",), "attention_bias": (False,), "mlp_bias": (False,)}
_UNWINDOWED = {"hidden_act": ("silu",), "use_sliding_window": (False,)}

FAMILIES: Mapping[str, Family] = {
    "gpt2": Family(
        "GPT2Backbone",
        {
            "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
            "layer_norm_epsilon": (1e-5,),
            "n_inner": (None,),
            "scale_attn_weights": (True,),
            "scale_attn_by_inverse_layer_idx": (False,),
            "add_cross_attention": (False,),
            "tie_word_embeddings": (True,),
        },
        longest="n_positions",
    ),
    "llama": Family("Llama3Backbone", _GATED, settings=_llama, amiss=partial(_amiss, scaled=("default", "llama3"))),
    "qwen2": Family("QwenBackbone", _UNWINDOWED, amiss=_amiss),
    "qwen3": Family("Qwen3Backbone", {**_UNWINDOWED, "attention_bias": (False,)}, amiss=partial(_amiss, split=False)),
    "gemma": Family("GemmaBackbone", _GEMMA, amiss=partial(_amiss, split=False)),
    "gemma3_text": Family(
        "Gemma3Backbone",
        {
            **_GEMMA,
            "use_bidirectional_attention": (False, None),
            "attn_logit_softcapping": (None,),
            "final_logit_softcapping": (None,),
        },
        amiss=_gemma3_amiss,
    ),
}
"""By `model_type`. SmolLM and SmolLM2 are of the type `llama`."""


def read_huggingface(folder: Path) -> Checkpoint:
    """Everything but the weights.

    Raises:
        CheckpointError: a file is missing or unreadable, or the architecture is none of `FAMILIES`.
    """
    config = document(folder, CONFIG)
    family = _family(folder, config)
    weights = tensor_files(folder)
    tokenizer = _text(folder, _TOKENIZER)
    told, generation = optional(folder, _TOKENIZER_CONFIG), optional(folder, _GENERATION)
    names = [CONFIG, _TOKENIZER, _TOKENIZER_CONFIG, _GENERATION, _TEMPLATE]
    try:
        settings = family.settings(config)
        longest = int(config[family.longest])
    except (KeyError, TypeError, ValueError) as exc:
        raise CheckpointError(folder, f"its {CONFIG} lacks {exc}") from exc
    checkpoint = Checkpoint(
        folder=folder,
        backbone=family.backbone,
        settings=settings,
        parameters=sum(_parameters(folder, weights, tied=bool(config.get("tie_word_embeddings", True)))),
        tokenizer=tokenizer,
        chat_template=_template(folder, told),
        end_ids=token_ids(generation.get("eos_token_id", config.get("eos_token_id"))),
        longest=longest,
        drawing=_drawing(folder, generation),
        files=(*(folder / name for name in names if (folder / name).exists()), *weights),
    )
    require_tokens_to_fit(folder, tokenizer, int(config.get("vocab_size", 0)))
    return checkpoint


def _drawing(folder: Path, generation: Facts) -> Drawing | None:
    """None where the most probable token is to be taken. Raises `CheckpointError`."""
    if not generation.get("do_sample"):
        return None
    try:
        return Drawing(temperature=generation.get("temperature", 1.0), top_p=generation.get("top_p"))
    except ValidationError as exc:
        raise CheckpointError(folder, f"its {_GENERATION} cannot be read: {exc}") from exc


def _family(folder: Path, config: Facts) -> Family:
    family = family_of(folder, config, FAMILIES)
    require_built_in(folder, config, family.only, family.backbone)
    try:
        amiss = family.amiss(config)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        amiss = f"its {CONFIG} lacks numbers that tell its size: {exc!r}"
    if amiss:
        raise CheckpointError(folder, f"{amiss}; keras-hub's {family.backbone} has no such")
    return family


def _rope(config: Facts) -> Facts:
    """How positions turn the queries: `rope_parameters` since transformers 5, `rope_scaling` before."""
    told = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return told if isinstance(told, dict) else {}


def _rope_type(config: Facts) -> Any:
    rope = _rope(config)
    return rope.get("rope_type", rope.get("type", "default"))


def _parameters(folder: Path, files: list[Path], *, tied: bool) -> Iterator[int]:
    """Of each tensor that is a weight of its own."""
    for name, count in tensor_sizes(folder, files):
        if not name.endswith(_COMPUTED) and not (tied and name == _HEAD):
            yield count


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text()
    except FileNotFoundError as exc:
        raise CheckpointError(folder, f"it has no {name}; a tokenizer is read from it, and from nothing else") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise CheckpointError(folder, f"its {name} cannot be read: {exc}") from exc


def _template(folder: Path, told: Facts) -> str | None:
    """The chat template, with the names that `transformers` gives it set in itself."""
    given = (folder / _TEMPLATE).read_text() if (folder / _TEMPLATE).exists() else told.get("chat_template")
    if isinstance(given, list):  # several by name
        given = next((of.get("template") for of in given if isinstance(of, dict) and of.get("name") == "default"), None)
    if not isinstance(given, str) or not given:
        return None
    try:
        ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).parse(given)
    except jinja2.TemplateError as exc:
        raise CheckpointError(folder, f"its chat template cannot be read: {exc}") from exc
    tokens = {name: _token(told.get(name)) for name in ("bos_token", "eos_token")}
    names = "".join(f"{{% set {name} = {json.dumps(token)} %}}" for name, token in tokens.items() if token is not None)
    return f'{names}{{{{ "" }}}}{given}'  # or the line break after a block would be taken from the template


def _token(given: Any) -> str | None:
    """A token, or its description."""
    content = given.get("content") if isinstance(given, dict) else given
    return content if isinstance(content, str) else None
