"""The files in which a folder in Hugging Face's layout keeps its weights: safetensors, one or several."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.errors import UnfitWeightsError
from training.data.checkpoint import document
from training.data.safetensors import read_safetensors
from training.errors import CheckpointError, DataError

Fill = Callable[[Mapping[str, NDArray[np.float32]]], None]

_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"


def tensor_files(folder: Path) -> list[Path]:
    """One file, or those that the index names. Raises `CheckpointError`."""
    if (folder / _INDEX).exists():
        index = document(folder, _INDEX).get("weight_map")
        names = set(index.values()) if isinstance(index, dict) else set()
        if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
            raise CheckpointError(folder, f"its {_INDEX} does not name the files of the weights")
    else:
        names = {_WEIGHTS}
    if missing := sorted(name for name in names if not (folder / name).is_file()):
        raise CheckpointError(
            folder, f"it has no {', '.join(missing)}; weights are read from safetensors, not from pickled files"
        )
    return [folder / name for name in sorted(names)]


def tensor_sizes(folder: Path, files: list[Path]) -> Iterator[tuple[str, int]]:
    """The name of each tensor and how many numbers it has, by the files' heads alone. Raises `CheckpointError`."""
    from safetensors import SafetensorError, safe_open

    try:
        for path in files:
            with safe_open(path, framework="numpy") as tensors:
                for name in tensors.keys():  # noqa: SIM118 (no mapping)
                    yield name, math.prod(tensors.get_slice(name).get_shape())
    except (SafetensorError, OSError) as exc:
        raise CheckpointError(folder, f"its weights are no whole safetensors files: {exc}") from exc


def fill_from_files(folder: Path, files: Sequence[Path], fill: Fill) -> None:
    """Gives `fill` all tensors, by name. Raises `CheckpointError`, for weights that are not real numbers too."""
    try:
        tensors = {name: values for path in files for name, values in read_safetensors(path.read_bytes()).items()}
        for name, values in tensors.items():
            if values.dtype.kind != "f":
                raise DataError(f"{name} has numbers of {values.dtype}, expected those of real numbers")
        fill({name: np.asarray(values, np.float32) for name, values in tensors.items()})
    except (DataError, OSError, UnfitWeightsError) as exc:
        raise CheckpointError(folder, f"its weights cannot be taken: {exc}") from exc
