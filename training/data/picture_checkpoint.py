"""A classifier of photographs that somebody keeps in a folder: in keras-hub's layout, timm's, or Hugging Face's."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.imagenet import LABELS
from training.data.checkpoint import CONFIG, Kept, document, family_of, require_built_in
from training.data.hub_preset import PICTURE_FILES
from training.data.picture_families import FAMILIES, Family
from training.data.picture_layout import Layout, of_converter, of_processor, of_timm
from training.data.safetensors import read_safetensors
from training.data.tensor_files import tensor_files, tensor_sizes
from training.errors import CheckpointError, DataError

if TYPE_CHECKING:
    import keras

_PROCESSOR = "preprocessor_config.json"
_TIMM = re.compile(r"(resnet|vgg)\d+")  # whose logits were compared with timm's
_METADATA, _TASK = "metadata.json", "task.json"
_COUNTED = ".num_batches_tracked"  # no weight
_GENERIC = "LABEL_{}"  # as transformers calls labels that nobody named
_ALIKE = 0.95  # of the labels: two sources spell a few of them otherwise

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class PictureCheckpoint(Kept):
    """What a folder says, before its weights are read. `load` makes keras-hub's classifier with them, as float32; it
    raises `CheckpointError`."""

    layout: Layout
    load: Callable[[], "keras.Model"]


def read_picture_checkpoint(folder: Path) -> PictureCheckpoint:
    """Everything but the weights.

    Raises:
        CheckpointError: a file is missing or unreadable, it is of a kind that cannot be read, or has other labels than
            ImageNet's.
    """
    config = document(folder, CONFIG)
    if "registered_name" in config:
        return _of_keras_hub(folder)
    return _of_timm(folder, config) if "architecture" in config else _of_hugging_face(folder, config)


def _of_keras_hub(folder: Path) -> PictureCheckpoint:
    import keras_hub

    names = (CONFIG, _METADATA, *PICTURE_FILES, "model.weights.h5")
    files = [folder / name for name in names if (folder / name).exists()]
    task = document(folder, _TASK)
    _require_a_thousand(folder, task.get("config", {}).get("num_classes"))
    try:
        converter = keras_hub.layers.ImageConverter.from_preset(str(folder))
    except Exception as exc:  # whatever keras-hub finds amiss in a folder
        raise CheckpointError(folder, f"it does not tell how pictures are brought to its input: {exc}") from exc
    parameters = document(folder, _METADATA).get("parameter_count")
    if not isinstance(parameters, int):
        raise CheckpointError(folder, f"its {_METADATA} has no parameter_count")
    return PictureCheckpoint(
        folder=folder,
        parameters=parameters,
        files=tuple(files),
        layout=of_converter(folder, converter),
        load=lambda: _from_preset(folder, None),
    )


def _of_timm(folder: Path, config: Facts) -> PictureCheckpoint:
    if not _TIMM.fullmatch(str(config["architecture"])):
        told = config["architecture"]
        raise CheckpointError(folder, f"of timm's networks resnet18, vgg11 and the like can be read, not {told!r}")
    _require_a_thousand(folder, config.get("num_classes"))
    weights = tensor_files(folder)
    parameters = _parameters(folder, weights)
    return PictureCheckpoint(
        folder=folder,
        parameters=parameters,
        files=(folder / CONFIG, *weights),
        layout=of_timm(folder, config),
        load=lambda: _from_preset(folder, parameters),
    )


def _of_hugging_face(folder: Path, config: Facts) -> PictureCheckpoint:
    family = family_of(folder, config, FAMILIES)
    require_built_in(folder, config, family.only, "network")
    _require_labels(folder, config.get("id2label"))
    weights = tensor_files(folder)
    parameters = _parameters(folder, weights)
    return PictureCheckpoint(
        folder=folder,
        parameters=parameters,
        files=(folder / CONFIG, folder / _PROCESSOR, *weights),
        layout=of_processor(folder, document(folder, _PROCESSOR)),
        load=lambda: _filled(folder, family, config, weights),
    )


def _require_a_thousand(folder: Path, classes: object) -> None:
    if classes != len(LABELS):
        raise CheckpointError(
            folder,
            f"it has {classes} labels, expected ImageNet's {len(LABELS)}: nothing else can be measured here. For "
            "labels of your own train a classifier: kmaas train image-classifier --data FOLDER",
        )


def _require_labels(folder: Path, named: object) -> None:
    """Raises `CheckpointError` for others than ImageNet's, in its order: it could not be told how right it is."""
    names = {str(number): name for number, name in named.items()} if isinstance(named, dict) else {}
    _require_a_thousand(folder, len(names))
    of_order = [names.get(str(number)) for number in range(len(LABELS))]
    expected = ((label, _GENERIC.format(number)) for number, label in enumerate(LABELS))
    same = sum(name in able for name, able in zip(of_order, expected, strict=True))
    if same < _ALIKE * len(LABELS):
        other = next(number for number, label in enumerate(LABELS) if of_order[number] != label)
        raise CheckpointError(
            folder,
            f"its labels are not ImageNet's: number {other} is {of_order[other]!r}, expected {LABELS[other]!r}",
        )


def _parameters(folder: Path, weights: list[Path]) -> int:
    return sum(count for name, count in tensor_sizes(folder, weights) if not name.endswith(_COUNTED))


def _from_preset(folder: Path, parameters: int | None) -> "keras.Model":
    """By keras-hub's own reader. `parameters` are those in the files, None where keras-hub wrote them itself."""
    import keras_hub

    try:
        loaded: keras.Model = keras_hub.models.ImageClassifier.from_preset(
            str(folder), preprocessor=None, dtype="float32"
        )
    except Exception as exc:  # whatever keras-hub and its readers find amiss in a folder
        raise CheckpointError(folder, f"keras-hub cannot read it: {type(exc).__name__}: {exc}") from exc
    if parameters is not None:
        _require_all(folder, loaded, parameters)
    return loaded


def _filled(folder: Path, family: Family, config: Facts, weights: list[Path]) -> "keras.Model":
    try:
        made = family.make(config)
        tensors = {name: values for path in weights for name, values in read_safetensors(path.read_bytes()).items()}
    except (DataError, KeyError, OSError, TypeError, ValueError) as exc:
        raise CheckpointError(folder, f"it cannot be read: {type(exc).__name__}: {exc}") from exc
    tensors = {name: values for name, values in tensors.items() if not name.endswith(_COUNTED)}
    for variable, name, turned in family.places(made):
        if name not in tensors:
            raise CheckpointError(folder, f"its weights lack {name}")
        values = turned(np.asarray(tensors.pop(name), np.float32))
        if values.shape != tuple(variable.shape):
            raise CheckpointError(
                folder, f"its {name} has the shape {values.shape}, expected {tuple(variable.shape)} as its size tells"
            )
        variable.assign(values)
    if tensors:
        raise CheckpointError(folder, f"its network has no place for {next(iter(tensors))}")
    return made


def _require_all(folder: Path, loaded: "keras.Model", parameters: int) -> None:
    if (expected := loaded.count_params()) != parameters:
        raise CheckpointError(
            folder, f"its files have {parameters:,} weights, the network that they tell of {expected:,}"
        )
