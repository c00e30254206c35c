"""The fingerprint of a training: equal ones train equal weights, so one run serves for both.

A line for each part, its name first: `configuration`, `code`, `frameworks`, `data`.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path

import models
import processing
import training
from models.spec import ModelConfig, ModelSpec
from training.recipes import RECIPES

_CODE = (models, processing, training)
_FRAMEWORKS = ("keras", "keras-hub", "tensorflow", "numpy", "tokenizers")


def fingerprint(spec: ModelSpec, config: ModelConfig) -> str:
    """Of the configuration, the code of models, processing and training, the frameworks and the data."""
    sources = [path for package in _CODE for path in sorted(Path(package.__path__[0]).rglob("*.py"))]
    parts = {
        "configuration": _sha256(f"{spec.name} {config.model_dump_json()}".encode()),
        "code": _sha256("".join(_sha256(path.read_bytes()) for path in sources).encode()),
        "frameworks": ", ".join(f"{name} {version(name)}" for name in _FRAMEWORKS),
        "data": RECIPES[spec.entry].data_sha256,
    }
    return "".join(f"{name} {value}\n" for name, value in parts.items())


def changed(before: str, now: str) -> list[str]:
    """The names of the parts in which two fingerprints differ."""
    known = before.splitlines()
    return [line.partition(" ")[0] for line in now.splitlines() if line not in known]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
