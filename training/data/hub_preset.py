"""Reads a preset of keras-hub: a folder in its own layout, or by a name that keras-hub fetches from its hub."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.decoders import ByteLevel
from tokenizers.models import BPE
from tokenizers.processors import TemplateProcessing

from models.checkpoint import BACKBONES
from training.data.checkpoint import CONFIG, Checkpoint, document, require_tokens_to_fit
from training.errors import CheckpointError, HubError

_METADATA, _TOKENIZER = "metadata.json", "tokenizer.json"
_VOCABULARY, _MERGES = "assets/tokenizer/vocabulary.json", "assets/tokenizer/merges.txt"
LANGUAGE_FILES = (_TOKENIZER, _VOCABULARY, _MERGES)
PICTURE_FILES = ("task.json", "task.weights.h5", "preprocessor.json", "image_converter.json")
_WEIGHTS, _INDEX = "model.weights.h5", "model.weights.json"
_LONG = 8192  # where a preset does not tell how many tokens it was made for
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)
# By keras-hub's class: how its authors parted texts before they merged bytes, None for GPT-2's own way.
_PARTED: Mapping[str, str | None] = {
    "GPT2Tokenizer": None,
    "Llama3Tokenizer": _WORDS.format(digits=r"\p{N}{1,3}"),
    "QwenTokenizer": _WORDS.format(digits=r"\p{N}"),
    "Qwen3Tokenizer": _WORDS.format(digits=r"\p{N}"),
}


def is_hub_name(preset: str) -> bool:
    """Whether keras-hub would look for it on a hub."""
    if "://" in preset:
        return True
    from keras_hub.src.utils.preset_utils import BUILTIN_PRESETS  # nothing public has those of all classes

    return preset in BUILTIN_PRESETS


def fetched_preset(preset: str, names: Sequence[str]) -> Path:
    """The folder that keras-hub keeps it in, fetched if it is not there: its weights, and the files of these `names`.

    Raises:
        HubError: no hub can be reached, or it has no such preset.
    """
    from keras_hub.src.utils.preset_utils import get_file

    try:
        folder = Path(get_file(preset, CONFIG)).parent
        if "registered_name" not in json.loads((folder / CONFIG).read_bytes()):
            raise HubError(preset, "it is not in keras-hub's layout; fetch it into a folder, and name that")
        for name in (_METADATA, *names, _fetched_weights(preset)):
            get_file(preset, name)
    except HubError:
        raise
    except Exception as exc:  # each hub's client fails in ways of its own
        raise HubError(preset, f"{type(exc).__name__}: {' '.join(str(exc).split())[:300]}") from exc
    return folder


def _fetched_weights(preset: str) -> str:
    from keras_hub.src.utils.preset_utils import check_file_exists, get_file

    if check_file_exists(preset, _WEIGHTS):
        return _WEIGHTS
    index = json.loads(Path(get_file(preset, _INDEX)).read_bytes())
    for names in index["weight_map"].values():
        for name in [names] if isinstance(names, str) else names:
            get_file(preset, name)
    return _INDEX


def read_hub_preset(folder: Path) -> Checkpoint:
    """Everything but the weights.

    Raises:
        CheckpointError: a file is missing or unreadable, or it is of a family that cannot be served, or its tokenizer
            is not byte-level BPE.
    """
    config = document(folder, CONFIG)
    backbone, size = config.get("class_name"), config.get("config")
    if config.get("registered_name") != f"keras_hub>{backbone}" or backbone not in BACKBONES:
        raise CheckpointError(folder, f"it is a {backbone!r}; those that can be read are {', '.join(BACKBONES)}")
    if not isinstance(size, dict):
        raise CheckpointError(folder, f"its {CONFIG} has no config")
    weights, parameters = weights_of(folder), parameters_of(folder)
    tokenizer, end_ids = _tokenizer(folder)
    checkpoint = Checkpoint(
        folder=folder,
        backbone=backbone,
        settings={},
        parameters=parameters,
        tokenizer=tokenizer,
        chat_template=None,
        end_ids=end_ids,
        longest=int(size.get("max_sequence_length", _LONG)),
        files=(*(folder / name for name in (CONFIG, _TOKENIZER, _VOCABULARY, _MERGES)), *weights),
    )
    require_tokens_to_fit(folder, tokenizer, int(size.get("vocabulary_size", 0)))
    return checkpoint


def weights_of(folder: Path) -> list[Path]:
    """One file, or the index and those that it names. Raises `CheckpointError`."""
    weights = [folder / name for name in (_WEIGHTS, _INDEX) if (folder / name).exists()][:1]
    if not weights:
        raise CheckpointError(folder, f"it has neither {_WEIGHTS} nor {_INDEX}")
    return [*weights, *(sorted(folder.glob("model_*.weights.h5")) if weights[0].name == _INDEX else ())]


def fill_from_preset(folder: Path, kind: str, backbone: Any) -> None:
    """Gives a backbone of that kind, and of its size, its weights. Raises `CheckpointError`."""
    import keras_hub

    try:
        loaded = getattr(keras_hub.models, kind).from_preset(str(folder), dtype="float32")
        for variable, read in zip(backbone.weights, loaded.weights, strict=True):
            variable.assign(read)
    except Exception as exc:  # whatever keras-hub and its readers find amiss in a folder
        raise CheckpointError(folder, f"keras-hub cannot read it: {type(exc).__name__}: {exc}") from exc


def parameters_of(folder: Path) -> int:
    """So many weights it has. Raises `CheckpointError`."""
    parameters = document(folder, _METADATA).get("parameter_count")
    if not isinstance(parameters, int):
        raise CheckpointError(folder, f"its {_METADATA} has no parameter_count")
    return parameters


def byte_pairs(folder: Path, vocabulary: Mapping[str, int], merges: str) -> Tokenizer:
    """The file `merges` has a pair a line. Raises `CheckpointError`."""
    try:
        lines = (folder / merges).read_text().splitlines()
        pairs = [(one, other) for one, other in (line.split(" ") for line in lines if not line.startswith("#version"))]
        return Tokenizer(BPE(dict(vocabulary), pairs))
    except Exception as exc:  # tokenizers raises plain Exception
        raise CheckpointError(folder, f"its vocabulary and its merges do not fit: {exc}") from exc


def _tokenizer(folder: Path) -> tuple[str, tuple[int, ...]]:
    """The document `tokenizer.json` as Hugging Face has it, and the ids that end a text."""
    told = document(folder, _TOKENIZER)
    kind, settings = told.get("class_name"), told.get("config")
    if not isinstance(kind, str) or kind not in _PARTED or not isinstance(settings, dict):
        raise CheckpointError(
            folder,
            f"its tokenizer is a {kind!r}; byte-level BPE alone can be had as a tokenizer.json: {', '.join(_PARTED)}. "
            "The same model in Hugging Face's layout brings its own",
        )
    vocabulary = document(folder, _VOCABULARY)
    tokenizer = byte_pairs(folder, vocabulary, _MERGES)
    words = _PARTED[kind]
    if words is None:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=bool(settings.get("add_prefix_space")))
    else:
        parted = pre_tokenizers.Split(Regex(words), "isolated")
        plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([parted, plain])
    if kind.startswith("Qwen"):
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = ByteLevel()
    begin, ends = _marks(kind, settings)
    special = [token for token in vocabulary if token in {begin, *ends} or is_mark(token)]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    if begin in vocabulary:
        tokenizer.post_processor = TemplateProcessing(
            single=f"{begin} $A", pair=None, special_tokens=[(begin, vocabulary[begin])]
        )
    return tokenizer.to_str(), tuple(vocabulary[token] for token in ends if token in vocabulary)


def _marks(kind: str, settings: Mapping[str, Any]) -> tuple[str | None, list[str]]:
    """The token that keras-hub puts before a text, and those after which it stops."""
    if kind == "Llama3Tokenizer":
        begin, end = settings.get("bos_token", "<|begin_of_text|>"), settings.get("eos_token", "<|end_of_text|>")
        return begin, [end, "<|eot_id|>"] if end == "<|end_of_text|>" else [end]
    if kind == "GPT2Tokenizer":
        return None, ["<|endoftext|>"]
    return None, [settings.get("eos_token", "<|endoftext|>"), "<|im_end|>"]


def is_mark(token: str) -> bool:
    return token.startswith("<|") and token.endswith("|>")
