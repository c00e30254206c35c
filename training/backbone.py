"""A pretrained encoder for a classifier: the catalogue's, one in a Hugging Face directory, or a preset of keras-hub."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from pydantic import ValidationError
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from models.bert import MINILM, PAD_ID, BertSize, copy_bert, fill_bert, first_layers
from models.errors import UnfitWeightsError
from models.text_classifier import MINILM_BACKBONE, Backbone
from training.data import minilm
from training.data.safetensors import read_safetensors
from training.errors import DataError, UnfitBackboneError

if TYPE_CHECKING:
    import keras

_GELU = {"gelu": False, "gelu_new": True, "gelu_pytorch_tanh": True}  # approximate?
_WEIGHTS, _CONFIG, _TOKENIZER, _VOCABULARY = "model.safetensors", "config.json", "tokenizer.json", "vocab.txt"
_HUB_CONFIG = "metadata.json"  # which a preset of keras-hub has beside its own config.json
_SPECIAL = _PAD, _UNKNOWN, _BEFORE, _AFTER = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
_NORM_OLD = {".gamma": ".weight", ".beta": ".bias"}  # as checkpoints that were converted long ago have it


@dataclass(frozen=True)
class Pretrained:
    """`fill` gives its weights to a model that `models.bert.bert` made of its size, or of fewer layers; it raises
    `UnfitWeightsError`."""

    backbone: Backbone
    tokenizer: str
    fill: Callable[["keras.Model", int], None]


def load_backbone(given: str, cache: Path) -> Pretrained:
    """`minilm`, a folder, or the name of a preset of keras-hub.

    Raises:
        UnfitBackboneError: it is none of these, not whole, or no BERT.
        TrainingError: it cannot be fetched.
    """
    if given == MINILM_BACKBONE:
        loaded = minilm.load(cache)
        return _of_weights(given, MINILM, loaded.weights, loaded.tokenizer)
    folder = Path(given)
    if folder.is_dir() and not (folder / _HUB_CONFIG).exists():
        return _of_hugging_face(given, folder)
    if not folder.is_dir() and "/" in given and "://" not in given:
        raise UnfitBackboneError(given, "there is no such folder")
    return _of_keras_hub(given)


def _of_weights(given: str, size: BertSize, weights: Mapping[str, NDArray[Any]], tokenizer: str) -> Pretrained:
    digest = hashlib.sha256(tokenizer.encode())
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].tobytes())

    def fill(model: "keras.Model", layers: int) -> None:
        fill_bert(model, first_layers(weights, layers))

    return Pretrained(Backbone(given=given, sha256=digest.hexdigest(), size=size), tokenizer, fill)


def _of_hugging_face(given: str, folder: Path) -> Pretrained:
    try:
        document = json.loads((folder / _CONFIG).read_bytes())
        weights = read_safetensors((folder / _WEIGHTS).read_bytes())
    except OSError as exc:
        has = ", ".join(sorted(path.name for path in folder.iterdir())[:12]) or "nothing"
        raise UnfitBackboneError(given, f"it has no {Path(exc.filename).name}; it has {has}") from exc
    except (ValueError, DataError) as exc:
        raise UnfitBackboneError(given, str(exc)) from exc
    size = _size(given, document)
    tokenizer = _tokenizer(given, folder, size)
    return _of_weights(given, size, _encoder_weights(weights), tokenizer)


def _size(given: str, document: Any) -> BertSize:
    if not isinstance(document, dict) or document.get("model_type") != "bert":
        kind = document.get("model_type") if isinstance(document, dict) else type(document).__name__
        raise UnfitBackboneError(given, f"its {_CONFIG} says model_type {kind!r}; expected 'bert'")
    activation = document.get("hidden_act", "gelu")
    if activation not in _GELU or document.get("position_embedding_type", "absolute") != "absolute":
        raise UnfitBackboneError(given, f"hidden_act {activation!r} or its position_embedding_type is not BERT's own")
    try:
        return BertSize(
            vocabulary=document["vocab_size"],
            layers=document["num_hidden_layers"],
            heads=document["num_attention_heads"],
            width=document["hidden_size"],
            inner_width=document["intermediate_size"],
            positions=document["max_position_embeddings"],
            segments=document.get("type_vocab_size", 2),
            approximate_gelu=_GELU[activation],
        )
    except (KeyError, ValidationError) as exc:
        raise UnfitBackboneError(given, f"its {_CONFIG} lacks {exc}") from exc


def _encoder_weights(weights: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Of the encoder alone, whatever head it was saved with."""
    prefix = "bert." if any(name.startswith("bert.") for name in weights) else ""
    found = {}
    for name, values in weights.items():
        plain = name.removeprefix(prefix)
        for old, new in _NORM_OLD.items():
            plain = plain.removesuffix(old) + new if plain.endswith(f"LayerNorm{old}") else plain
        if name.startswith(prefix) and plain.startswith(("embeddings.", "encoder.")):
            found[plain] = values
    return found


def _tokenizer(given: str, folder: Path, size: BertSize) -> str:
    """Its document, or one made of its words."""
    try:
        if (folder / _TOKENIZER).exists():
            document = (folder / _TOKENIZER).read_text(encoding="utf-8")
        else:
            words = (folder / _VOCABULARY).read_text(encoding="utf-8").splitlines()
            options = folder / "tokenizer_config.json"
            lower = json.loads(options.read_bytes()).get("do_lower_case", True) if options.exists() else True
            document = word_pieces(words, lower=lower)
    except OSError as exc:
        raise UnfitBackboneError(given, f"it has neither {_TOKENIZER} nor {_VOCABULARY}") from exc
    except ValueError as exc:
        raise UnfitBackboneError(given, f"its tokenizer cannot be read: {exc}") from exc
    return _checked(given, document, size)


def word_pieces(words: list[str], *, lower: bool) -> str:
    """The document of BERT's tokenizer with these words."""
    vocabulary = {word: number for number, word in enumerate(words)}
    if missing := [token for token in _SPECIAL if token not in vocabulary]:
        raise ValueError(f"its words lack {', '.join(missing)}")
    made = Tokenizer(models.WordPiece(vocabulary, unk_token=_UNKNOWN))
    made.add_special_tokens([*_SPECIAL])
    made.normalizer = normalizers.BertNormalizer(lowercase=lower)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing((_AFTER, vocabulary[_AFTER]), (_BEFORE, vocabulary[_BEFORE]))
    made.decoder = decoders.WordPiece()
    return made.to_str()


def _checked(given: str, document: str, size: BertSize) -> str:
    """Raises `UnfitBackboneError` for a tokenizer whose ids the encoder does not have, or pads otherwise."""
    try:
        tokenizer = Tokenizer.from_str(document)
    except Exception as exc:  # tokenizers raises plain Exception
        raise UnfitBackboneError(given, f"its tokenizer cannot be read: {exc}") from exc
    if tokenizer.get_vocab_size() > size.vocabulary:
        has = f"its tokenizer has {tokenizer.get_vocab_size()} words, its encoder {size.vocabulary}"
        raise UnfitBackboneError(given, has)
    if tokenizer.id_to_token(PAD_ID) != _PAD:
        raise UnfitBackboneError(given, f"token {PAD_ID} is {tokenizer.id_to_token(PAD_ID)!r}, expected '[PAD]'")
    return document


def _of_keras_hub(given: str) -> Pretrained:
    import keras_hub

    try:
        found = keras_hub.models.Backbone.from_preset(given)
        words = keras_hub.models.Tokenizer.from_preset(given)
    except Exception as exc:  # keras-hub and its downloads raise many types
        reason = " ".join(str(exc).split())[:300]
        raise UnfitBackboneError(given, f"it is no folder, and as a preset of keras-hub: {reason}") from exc
    if not isinstance(found, keras_hub.models.BertBackbone) or not isinstance(words, keras_hub.models.BertTokenizer):
        raise UnfitBackboneError(given, f"it is a {type(found).__name__}, expected a BertBackbone")
    size = BertSize(
        vocabulary=found.vocabulary_size,
        layers=found.num_layers,
        heads=found.num_heads,
        width=found.hidden_dim,
        inner_width=found.intermediate_dim,
        positions=found.max_sequence_length,
        segments=found.num_segments,
        approximate_gelu=True,  # as keras-hub has it
    )
    try:
        document = word_pieces(words.get_vocabulary(), lower=words.lowercase)
    except ValueError as exc:
        raise UnfitBackboneError(given, str(exc)) from exc
    tokenizer = _checked(given, document, size)
    digest = hashlib.sha256(tokenizer.encode())
    for values in found.get_weights():
        digest.update(values.tobytes())
    backbone = Backbone(given=given, sha256=digest.hexdigest(), size=size)
    return Pretrained(backbone, tokenizer, lambda model, _layers: copy_bert(found, model))


def fill(pretrained: Pretrained, model: "keras.Model", layers: int) -> None:
    """Raises `UnfitBackboneError`."""
    try:
        pretrained.fill(model, layers)
    except UnfitWeightsError as exc:
        raise UnfitBackboneError(pretrained.backbone.given, str(exc)) from exc
