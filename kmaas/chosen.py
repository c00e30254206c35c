"""The configuration that the options of a verb name: a preset, a file, or a checkpoint, and single settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from models.spec import ModelConfig, ModelSpec

PRESET_HELP = (
    "A preset of the model, a TOML file that overlays its own, or a checkpoint: a language model's (chat), a "
    "classifier's (imagenet), a Whisper's or a Moonshine's (transcribe)."
)


def chosen_config(
    spec: "ModelSpec", preset: str | None, settings: Sequence[str], name: str | None = None
) -> "ModelConfig":
    """`preset` is one of the model, a file, or a checkpoint where the model takes any; that may be served as `name`.

    Raises:
        ConfigurationError: it is none of these, or a setting does not fit.
        CheckpointError, HubError: a checkpoint cannot be served, or not be had.
    """
    from models.catalog import CATALOG
    from training.config import find_preset, load_config, presets_of

    if name is not None and name != spec.name and name in CATALOG:
        raise click.UsageError(f"--name {name}: the catalogue has another model of that name")
    if preset is not None and preset not in presets_of(spec.name) and not Path(preset).is_file():
        checkpoint = _settings_of_checkpoint(spec, preset, name or spec.name)
        if checkpoint is not None:
            return load_config(spec, checkpoint, settings)
    overlay = find_preset(spec.name, preset) if preset else None
    if name is not None:
        raise click.UsageError("--name is for a checkpoint, which --preset names")
    return load_config(spec, overlay, settings)


def _settings_of_checkpoint(spec: "ModelSpec", preset: str, name: str) -> "dict[str, object] | None":
    """None where the model takes no checkpoints, or this is none."""
    from models.catalog import NETWORKS
    from models.checkpoint import NETWORK
    from serving.runtimes.quiet import import_keras_quietly
    from training.checkpoint import is_checkpoint
    from training.checkpoints import SETTINGS

    if f"{spec.name}-{NETWORK}" not in NETWORKS:
        return None
    import_keras_quietly()  # keras-hub knows its presets, and reads checkpoints
    return SETTINGS[spec.name](preset, name) if is_checkpoint(preset) else None
