"""A causal language model that somebody keeps in a folder: Hugging Face's layout, or keras-hub's own."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from models.checkpoint import NETWORK
from processing.errors import UnreadableInputError
from processing.spec import Drawing
from processing.tokens import TokenCodec
from store.contents import sha256_of
from training.errors import CheckpointError

if TYPE_CHECKING:
    import keras

_F = TypeVar("_F")

CONFIG = "config.json"

_CARD = "README.md"
_LICENCE = re.compile(r"^license:\s*[\"']?([A-Za-z0-9.+-]+)[\"']?\s*$", re.MULTILINE)
_UNCLEAR = frozenset({"other", "unknown"})


@dataclass(frozen=True)
class Kept:
    """What somebody keeps in a folder. `files` are those that are read, `parameters` so many weights they have."""

    folder: Path
    parameters: int
    files: tuple[Path, ...]

    @property
    def licence(self) -> str | None:
        """As the card in the folder has it; None where it says nothing that names one."""
        try:
            card = (self.folder / _CARD).read_text()
        except (OSError, UnicodeDecodeError):
            return None
        _, _, rest = card.partition("---\n")
        told = _LICENCE.search(rest.partition("\n---")[0]) if card.startswith("---\n") else None
        return told[1] if told and told[1].lower() not in _UNCLEAR else None

    @property
    def sha256(self) -> str:
        """Of all files that are read."""
        told = "".join(f"{path.name} {sha256_of(path)}\n" for path in sorted(self.files))
        return hashlib.sha256(told.encode()).hexdigest()

    def require_sizes(self, *, vocabulary: int, width: int, layers: Sequence[int], heads: Sequence[int]) -> None:
        """Raises `CheckpointError` for sizes that cannot be, or that its weights are too few for: what a network of
        them takes is what memory was looked for.
        """
        if min(vocabulary, width, *layers, *heads) < 1 or any(width % count for count in heads):
            told = f"{vocabulary} tokens, {width} wide, layers {[*layers]}, heads {[*heads]}"
            raise CheckpointError(self.folder, f"its {CONFIG} tells sizes that cannot be: {told}")
        least = vocabulary * width + 4 * sum(layers) * width**2
        if least > self.parameters:
            raise CheckpointError(
                self.folder, f"its {CONFIG} asks for {least} weights at least, its files have {self.parameters}"
            )

    def told_as(self, given: str, name: str) -> dict[str, Any]:
        """Of any configuration of a checkpoint: what it is, where it was, and under which `name` it is served."""
        return {
            "network": NETWORK,
            "seed": 1,  # of the evaluation
            "name": name,
            "checkpoint": str(Path(given).resolve()) if Path(given).is_dir() else given,
            "sha256": self.sha256,
            "parameters": self.parameters,
            **({"licence": self.licence} if self.licence else {}),
        }


@dataclass(frozen=True)
class Checkpoint(Kept):
    """What a folder says, before its weights are read.

    Attributes:
        backbone: keras-hub's class.
        settings: that override what keras-hub itself reads of the folder.
        tokenizer: the document `tokenizer.json`.
        chat_template: with its `bos_token` and `eos_token` set; None if it has none.
        longest: the most tokens it was made for.
        drawing: how tokens are to be drawn where nobody says otherwise; None if it does not tell.
    """

    backbone: str
    settings: Mapping[str, Any]
    tokenizer: str
    chat_template: str | None
    end_ids: tuple[int, ...]
    longest: int
    drawing: Drawing | None = None

    def load(self) -> "keras.Model":
        """keras-hub's backbone with its weights, as float32.

        Raises:
            CheckpointError: the files lack weights, or have some that the network has no place for.
        """
        import keras_hub

        cls = getattr(keras_hub.models, self.backbone)
        try:
            loaded: keras.Model = cls.from_preset(str(self.folder), dtype="float32", **self.settings)
        except Exception as exc:  # whatever keras-hub and its readers find amiss in a folder
            raise CheckpointError(self.folder, f"keras-hub cannot read it: {type(exc).__name__}: {exc}") from exc
        if (expected := loaded.count_params()) != self.parameters:
            raise CheckpointError(
                self.folder, f"its files have {self.parameters:,} weights, the network that they tell of {expected:,}"
            )
        return loaded

    def size(self) -> dict[str, Any]:
        """What the backbone is made with, found without its weights. Raises `CheckpointError`."""
        import keras_hub

        cls = getattr(keras_hub.models, self.backbone)
        try:
            made = cls.from_preset(str(self.folder), load_weights=False, dtype="float32", **self.settings)
        except Exception as exc:  # whatever keras-hub finds amiss in a configuration
            raise CheckpointError(self.folder, f"keras-hub cannot read it: {type(exc).__name__}: {exc}") from exc
        told = {name: value for name, value in made.get_config().items() if name not in {"name", "trainable", "dtype"}}
        if (tied := getattr(made, "tie_word_embeddings", None)) is not None:
            told["tie_word_embeddings"] = tied  # Llama's configuration does not say it
        return told


def document(folder: Path, name: str) -> dict[str, Any]:
    """A JSON object. Raises `CheckpointError` when it is missing or none."""
    try:
        value = json.loads((folder / name).read_bytes())
    except FileNotFoundError as exc:
        raise CheckpointError(folder, f"it has no {name}") from exc
    except (OSError, ValueError, RecursionError) as exc:
        raise CheckpointError(folder, f"its {name} cannot be read: {exc}") from exc
    if not isinstance(value, dict):
        raise CheckpointError(folder, f"its {name} is no JSON object")
    return value


def require_tokens_to_fit(folder: Path, tokenizer: str, vocabulary: int) -> None:
    """Raises `CheckpointError` where the document `tokenizer` has ids that the table of `vocabulary` tokens lacks."""
    try:
        largest = TokenCodec(tokenizer).largest_id
    except UnreadableInputError as exc:
        raise CheckpointError(folder, str(exc)) from exc
    if largest >= vocabulary:
        raise CheckpointError(
            folder, f"its tokenizer has ids up to {largest}, its table of tokens has {vocabulary} rows"
        )


def family_of(folder: Path, config: Mapping[str, Any], families: Mapping[str, _F]) -> _F:
    """The one of the folder's `model_type`. Raises `CheckpointError`."""
    kind = config.get("model_type")
    family = families.get(kind) if isinstance(kind, str) else None
    if family is None:
        raise CheckpointError(folder, f"it is of the type {kind!r}; those that can be read are {', '.join(families)}")
    return family


def require_built_in(
    folder: Path, config: Mapping[str, Any], only: Mapping[str, tuple[Any, ...]], network: str
) -> None:
    """Raises `CheckpointError` for a setting of another value than keras-hub's network has built in. What is not there
    counts as the first."""
    for name, values in only.items():
        if (value := config.get(name, values[0])) not in values:
            able = " or ".join(str(value) for value in values)
            raise CheckpointError(folder, f"its {name} is {value!r}; keras-hub's {network} has {able} alone")


def optional(folder: Path, name: str) -> dict[str, Any]:
    """As `document`; empty when it is missing."""
    return document(folder, name) if (folder / name).exists() else {}


def token_ids(given: Any) -> tuple[int, ...]:
    """One id, several, or none, as configurations have them."""
    several: Iterable[Any] = given if isinstance(given, list) else [given]
    return tuple(dict.fromkeys(token for token in several if isinstance(token, int) and token >= 0))
