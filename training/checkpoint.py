"""The recipe of a checkpoint: its weights as they are, measured by how well they foretell plays, token by token."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from models.checkpoint import CheckpointConfig, processing
from models.example import Example
from models.language import backbone_of
from training.data import shakespeare
from training.data.checkpoint import CONFIG, Checkpoint, document
from training.data.hub_preset import LANGUAGE_FILES, fetched_preset, is_hub_name, read_hub_preset
from training.data.huggingface import read_huggingface
from training.data.prose import Prose
from training.errors import ChangedCheckpointError
from training.evaluation import Measured
from training.foretelling import EXAMPLES, Foretelling
from training.memory import free_bytes, require_memory
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras

_WINDOWS = 16  # of all plays
_SLOTS = 16
_CONTEXT_TOKENS = 1024  # where the checkpoint was made for as many


class CheckpointRecipe:
    """See `Foretelling`. Nobody can say which texts it was trained on; plays of Shakespeare may be among them.

    A run that was begun has all that it needs; until then `checkpoint` is there to be read.
    """

    def __init__(
        self, config: CheckpointConfig, plays: Prose, tokenizer: str, chat_template: str | None = None
    ) -> None:
        self._config = config
        self.tokenizer: str | None = tokenizer
        self.chat_template = chat_template
        self._foretelling = Foretelling(
            plays, tokenizer, processing(config), min(config.rows or _WINDOWS, _WINDOWS), config.seed
        )
        self.facts = DataFacts(
            name=f"{config.title}, weights as they are",
            source=config.checkpoint,
            sha256=config.sha256,
            training_rows=0,
            held_out_rows=self._foretelling.truth.size,
        )

    @classmethod
    def make(cls, config: CheckpointConfig, cache: Path, progress: Progress, tokenizer: str | None) -> Self:
        progress.stage("fetch plays", 1)
        plays = shakespeare.load(cache)
        if tokenizer is not None:
            return cls(config, plays, tokenizer)
        checkpoint = _as_it_was(config)
        return cls(config, plays, checkpoint.tokenizer, checkpoint.chat_template)

    def prepare(self, model: "keras.Model") -> None:
        loaded = _as_it_was(self._config).load()
        for variable, read in zip(backbone_of(model).weights, loaded.weights, strict=True):
            variable.assign(read)

    def held_out(self) -> tuple[Array, Array]:
        """Windows and the token after each."""
        windows = self._foretelling.windows
        return windows[:, :-1], windows[:, -1]

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        return self._foretelling.measure(model, self._config.name, progress)

    def examples(self) -> tuple[list[Example], Array]:
        return self._foretelling.examples(self._foretelling.beginnings(EXAMPLES))


def is_checkpoint(given: str) -> bool:
    """Whether `--preset` names a checkpoint: a folder, or a preset of keras-hub. A file holds settings."""
    return Path(given).is_dir() or (not Path(given).exists() and is_hub_name(given))


def settings_of(given: str, name: str, free: Callable[[], int | None] = free_bytes) -> dict[str, Any]:
    """What the checkpoint `given` says of itself, as settings of a `CheckpointConfig` that is served under `name`.

    Raises:
        CheckpointError: it cannot be served, and why.
        TooLargeError: it would not fit into the memory that is free.
        HubError: keras-hub's preset of this name cannot be had.
    """
    checkpoint = _read(given)
    require_memory(given, checkpoint.parameters, free)
    return {
        **checkpoint.told_as(given, name),
        "slots": _SLOTS,
        "backbone": checkpoint.backbone,
        "size": checkpoint.size(),
        "longest": checkpoint.longest,
        "context_tokens": min(_CONTEXT_TOKENS, checkpoint.longest),
        "end_ids": checkpoint.end_ids,
        "chats": checkpoint.chat_template is not None,
        **({"drawing": checkpoint.drawing.model_dump()} if checkpoint.drawing else {}),
    }


def _read(given: str) -> Checkpoint:
    folder = Path(given) if Path(given).is_dir() else fetched_preset(given, LANGUAGE_FILES)
    keras_hub_s = "registered_name" in document(folder, CONFIG)
    return read_hub_preset(folder) if keras_hub_s else read_huggingface(folder)


def _as_it_was(config: CheckpointConfig) -> Checkpoint:
    """Raises `ChangedCheckpointError` where its files are others than those that the run was begun with."""
    checkpoint = _read(config.checkpoint)
    if checkpoint.sha256 != config.sha256:
        raise ChangedCheckpointError(config.checkpoint)
    return checkpoint
