"""The recipes of a Whisper's and of a Moonshine's checkpoint: weights as they are, measured by the words that are heard
right.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from models.speech_checkpoint import HeardConfig, MoonshineCheckpointConfig, SpeechCheckpointConfig
from training.data import read_aloud, spoken
from training.data.checkpoint import CONFIG, document, family_of
from training.data.hub_preset import LANGUAGE_FILES, fetched_preset
from training.data.moonshine_checkpoint import MOONSHINE_FILES, MoonshineCheckpoint, read_moonshine_checkpoint
from training.data.speech_checkpoint import SpeechCheckpoint, read_speech_checkpoint
from training.errors import ChangedCheckpointError, CheckpointError
from training.memory import free_bytes, require_memory
from training.progress import Progress
from training.transcribe import Hearing, TranscribeRecipe, Weights
from training.transcribe_moonshine import hearing_of

HeardCheckpoint = SpeechCheckpoint | MoonshineCheckpoint

_FAMILIES: Mapping[str, Callable[[Path], HeardCheckpoint]] = {
    "whisper": read_speech_checkpoint,
    "moonshine": read_moonshine_checkpoint,
}
_BACKBONES = {"WhisperBackbone": "whisper", "MoonshineBackbone": "moonshine"}
"""keras-hub's classes."""


def make(
    config: SpeechCheckpointConfig | MoonshineCheckpointConfig,
    cache: Path,
    progress: Progress,
    tokenizer: str | None,
) -> TranscribeRecipe:
    """A run that was begun has all that it needs; until then the checkpoint is there to be read."""
    progress.stage("fetch recordings", 1)
    recorded, readings = spoken.load(cache), read_aloud.load(cache, progress, config.seed)
    tokenizer = tokenizer or _as_it_was(config).tokenizer
    hearing = hearing_of(config) if isinstance(config, MoonshineCheckpointConfig) else Hearing.of_whisper(config)
    return TranscribeRecipe(config, hearing, recorded, weights_of(config), tokenizer, readings=readings)


def weights_of(config: HeardConfig) -> Weights:
    """Filling raises `CheckpointError` where they are amiss, or others than those that the run was begun with."""
    return Weights(
        name=f"{config.title}, weights as they are",
        source=config.checkpoint,
        sha256=config.sha256,
        fill=lambda backbone: _as_it_was(config).fill(backbone),
    )


def settings_of(given: str, name: str, free: Callable[[], int | None] = free_bytes) -> dict[str, Any]:
    """What the checkpoint `given` says of itself, as settings of a `HeardConfig` that is served under `name`.

    Raises:
        CheckpointError: it cannot be served, and why.
        TooLargeError: it would not fit into the memory that is free.
        HubError: keras-hub's preset of this name cannot be had.
    """
    checkpoint = _read(given)
    require_memory(given, checkpoint.parameters, free)
    return {**checkpoint.told_as(given, name), **checkpoint.settings}


def _read(given: str) -> HeardCheckpoint:
    if Path(given).is_dir():
        folder = Path(given)
        return _FAMILIES[_family_of(folder)](folder)
    folder = fetched_preset(given, ())
    family = _family_of(folder)
    fetched_preset(given, MOONSHINE_FILES if family == "moonshine" else LANGUAGE_FILES)
    return _FAMILIES[family](folder)


def _family_of(folder: Path) -> str:
    """Raises `CheckpointError` for a folder that is of none of them."""
    config = document(folder, CONFIG)
    if "registered_name" not in config:
        return family_of(folder, config, {name: name for name in _FAMILIES})
    kind = config.get("class_name")
    if config["registered_name"] != f"keras_hub>{kind}" or kind not in _BACKBONES:
        raise CheckpointError(folder, f"it is a {kind!r}; those that can be read are {', '.join(_BACKBONES)}")
    return _BACKBONES[kind]


def _as_it_was(config: HeardConfig) -> HeardCheckpoint:
    """Raises `ChangedCheckpointError` where its files are others than those that the run was begun with."""
    checkpoint = _read(config.checkpoint)
    if checkpoint.sha256 != config.sha256:
        raise ChangedCheckpointError(config.checkpoint)
    return checkpoint
