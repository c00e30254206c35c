"""The fingerprint of a training: equal ones train equal weights, so one run serves for both."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import models
import processing
import training
from models.spec import ModelSpec, TrainConfig
from training.recipes import RECIPES

_CODE = (models, processing, training)
_FRAMEWORKS = ("keras", "tensorflow", "numpy", "tokenizers")


def fingerprint(spec: ModelSpec, config: TrainConfig) -> str:
    """sha256 of the configuration, the code of models, processing and training, the frameworks and the data."""
    parts = [spec.name, config.model_dump_json(), RECIPES[spec.name].data_sha256]
    parts += [f"{name} {version(name)}" for name in _FRAMEWORKS]
    for package in _CODE:
        root = Path(package.__path__[0])
        parts += [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(root.rglob("*.py"))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
