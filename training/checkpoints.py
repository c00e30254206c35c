"""Which models take somebody's checkpoint, and who reads it."""

from collections.abc import Callable, Mapping
from typing import Any

from training import checkpoint, picture_checkpoint, speech_checkpoint

SETTINGS: Mapping[str, Callable[[str, str], dict[str, Any]]] = {
    "chat": checkpoint.settings_of,
    "imagenet": picture_checkpoint.settings_of,
    "transcribe": speech_checkpoint.settings_of,
}
"""By the model's name in the catalogue: what the checkpoint says of itself, from where it is and the name under which
it is to be served."""
