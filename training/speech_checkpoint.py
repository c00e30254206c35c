"""The recipe of a Whisper's checkpoint: its weights as they are, measured by the words that are heard right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.speech_checkpoint import SpeechCheckpointConfig
from training.data import read_aloud, spoken
from training.data.hub_preset import LANGUAGE_FILES, fetched_preset
from training.data.speech_checkpoint import SpeechCheckpoint, read_speech_checkpoint
from training.errors import ChangedCheckpointError
from training.memory import free_bytes, require_memory
from training.progress import Progress
from training.transcribe import Hearing, TranscribeRecipe, Weights

_MOST_TOKENS = 224


def make(config: SpeechCheckpointConfig, cache: Path, progress: Progress, tokenizer: str | None) -> TranscribeRecipe:
    """A run that was begun has all that it needs; until then the checkpoint is there to be read."""
    progress.stage("fetch recordings", 1)
    recorded, readings = spoken.load(cache), read_aloud.load(cache, progress, config.seed)
    tokenizer = tokenizer or _as_it_was(config).tokenizer
    hearing = Hearing.of_whisper(config)
    return TranscribeRecipe(config, hearing, recorded, weights_of(config), tokenizer, readings=readings)


def weights_of(config: SpeechCheckpointConfig) -> Weights:
    """Filling raises `CheckpointError` where they are amiss, or others than those that the run was begun with."""
    return Weights(
        name=f"{config.title}, weights as they are",
        source=config.checkpoint,
        sha256=config.sha256,
        fill=lambda backbone: _as_it_was(config).fill(backbone),
    )


def settings_of(given: str, name: str, free: Callable[[], int | None] = free_bytes) -> dict[str, Any]:
    """What the checkpoint `given` says of itself, as settings of a `SpeechCheckpointConfig` that is served under
    `name`.

    Raises:
        CheckpointError: it cannot be served, and why.
        TooLargeError: it would not fit into the memory that is free.
        HubError: keras-hub's preset of this name cannot be had.
    """
    checkpoint = _read(given)
    require_memory(given, checkpoint.parameters, free)
    return {
        **checkpoint.told_as(given, name),
        "most_tokens": _MOST_TOKENS,
        "size": checkpoint.size,
        "alphabet": checkpoint.alphabet,
        "aligned_heads": checkpoint.aligned_heads,
    }


def _read(given: str) -> SpeechCheckpoint:
    return read_speech_checkpoint(Path(given) if Path(given).is_dir() else fetched_preset(given, LANGUAGE_FILES))


def _as_it_was(config: SpeechCheckpointConfig) -> SpeechCheckpoint:
    """Raises `ChangedCheckpointError` where its files are others than those that the run was begun with."""
    checkpoint = _read(config.checkpoint)
    if checkpoint.sha256 != config.sha256:
        raise ChangedCheckpointError(config.checkpoint)
    return checkpoint
