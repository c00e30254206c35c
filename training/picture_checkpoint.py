"""The recipe of a classifier's checkpoint: its weights as they are, tried on photographs of known content."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from models.example import Example
from models.picture_checkpoint import CLASSIFIER, PictureCheckpointConfig, processing
from training.data import photographs
from training.data.hub_preset import PICTURE_FILES, fetched_preset
from training.data.photographs import Photograph
from training.data.picture_checkpoint import PictureCheckpoint, read_picture_checkpoint
from training.errors import ChangedCheckpointError, CheckpointError
from training.evaluation import Measured
from training.memory import free_bytes, require_memory
from training.photographed import Photographed
from training.progress import Progress
from training.recipe import Array, DataFacts

if TYPE_CHECKING:
    import keras


class PictureCheckpointRecipe:
    """See `Photographed`. A run that was begun has all that it needs; until then `checkpoint` is there to be read."""

    tokenizer: str | None = None
    chat_template: str | None = None

    def __init__(self, config: PictureCheckpointConfig, photos: Sequence[Photograph]) -> None:
        self._config = config
        self._photographed = Photographed(photos[: config.rows], processing(config), config.seed)
        self.facts = DataFacts(
            name=f"{config.title}, weights as they are",
            source=config.checkpoint,
            sha256=config.sha256,
            training_rows=0,
            held_out_rows=len(self._photographed.photos),
        )

    @classmethod
    def make(cls, config: PictureCheckpointConfig, cache: Path, progress: Progress, _tokenizer: str | None) -> Self:
        progress.stage("fetch photographs", 1)
        return cls(config, photographs.load(cache))

    def prepare(self, model: "keras.Model") -> None:
        checkpoint = _read(self._config.checkpoint)
        if checkpoint.sha256 != self._config.sha256:
            raise ChangedCheckpointError(self._config.checkpoint)
        loaded = checkpoint.load()
        for variable, read in zip(model.get_layer(CLASSIFIER).weights, loaded.weights, strict=True):
            variable.assign(read)

    def held_out(self) -> tuple[Array, Array]:
        return self._photographed.held_out()

    def evaluate(self, model: "keras.Model", progress: Progress) -> Measured:
        return self._photographed.measure(model, self._config.name, progress)

    def examples(self) -> tuple[list[Example], Array]:
        return self._photographed.examples()


def settings_of(given: str, name: str, free: Callable[[], int | None] = free_bytes) -> dict[str, Any]:
    """What the checkpoint `given` says of itself, as settings of a `PictureCheckpointConfig` that is served under
    `name`.

    Raises:
        CheckpointError: it cannot be served, and why.
        TooLargeError: it would not fit into the memory that is free.
        HubError: keras-hub's preset of this name cannot be had.
    """
    checkpoint = _read(given)
    require_memory(given, checkpoint.parameters, free)
    loaded, layout = checkpoint.load(), checkpoint.layout
    return {
        **checkpoint.told_as(given, name),
        "classifier": _serialised(checkpoint, loaded),
        "parameters": loaded.count_params(),
        "scale": layout.scale,
        "offset": layout.offset,
        "height": layout.height,
        "width": layout.width,
        "resize": layout.resize.model_dump(),
        "maps": hasattr(loaded, "pooler") and len(loaded.backbone.output.shape) == 4,
    }


def _serialised(checkpoint: PictureCheckpoint, loaded: "keras.Model") -> dict[str, Any]:
    """Its answers are logits, whatever it made of them."""
    import keras

    found = keras.saving.serialize_keras_object(loaded)
    told: dict[str, Any] = {name: found[name] for name in ("module", "class_name", "registered_name", "config")}
    activation = told["config"].get("activation")
    if activation not in (None, "linear", "softmax"):
        raise CheckpointError(checkpoint.folder, f"its answers go through {activation!r}; expected logits, or softmax")
    told["config"] |= {"activation": None} if "activation" in told["config"] else {}
    as_json: dict[str, Any] = json.loads(json.dumps(told))  # as it is kept and read again: with lists, not tuples
    return as_json


def _read(given: str) -> PictureCheckpoint:
    return read_picture_checkpoint(Path(given) if Path(given).is_dir() else fetched_preset(given, PICTURE_FILES))
