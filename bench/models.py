"""The models that every server of the comparison serves, made once for their content by `bench.making`.

- `trivial`: x / 2 + 2, so that the server is all there is to measure
- `digits`: the catalogue's MNIST network, untrained, exported as any version is
- `imagenet`: the catalogue's EfficientNet-Lite0, untrained, exported as any version is; it is asked with photographs
- `mobilenet`: MobileNetV2 for 224×224 uint8 pictures, untrained
- `bert`: BERT L2/H128 over 64 tokens with two classes, untrained
- `sentiment`: the catalogue's classifier of texts, untrained, exported as any version is; it is asked with texts only
- `writer`, `dreamer`, `poet`: see `bench.writers`
- `embeddings`, `transcribe`: the catalogue's, with their real weights; see `bench.embedded` and `bench.recorded`
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from store.layout import VersionDir
from wire.tensors import Array

_ROOT = Path(__file__).resolve().parents[1]
_MADE_FROM = (
    "bench/making.py",
    "bench/writers.py",
    "bench/embedded.py",
    "bench/recorded.py",
    "bench/checkpoints.py",
    "bench/peers/poet.py",
    "models",
    "export",
)

# name -> the input's and the output's name in `serving_default`
_TENSORS = {
    "trivial": ("x", "y"),
    "digits": ("image", "logits"),
    "imagenet": ("image", "logits"),
    "mobilenet": ("image", "logits"),
    "bert": ("token_ids", "logits"),
    "sentiment": ("token_ids", "logits"),
    "writer": ("token_ids", "logits"),
    "dreamer": ("token_ids", "logits"),
    "poet": ("token_ids", "logits"),
    "embeddings": ("token_ids", "embedding"),
    "transcribe": ("samples", "tokens"),
}


@dataclass(frozen=True)
class BenchModel:
    """A model in `folder`: `store/<name>/1` for model servers, `model.keras` for others, two rows and their answers.

    One that clients send pictures or texts has these as `0.png`, `0.jpg` or `0.json`, its `labels.json` and
    `processing.json`; a model of texts has `tokenizer.json`. One that writes is a version for model servers only. One
    that makes vectors has `texts.json` instead of rows, as many answers, and `checkpoint/` for others. So has one that
    hears, for `0.wav` and so on; the last of them is all the others one after another, several times.
    """

    name: str
    folder: Path

    @property
    def input(self) -> str:
        return _TENSORS[self.name][0]

    @property
    def output(self) -> str:
        return _TENSORS[self.name][1]

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def version(self) -> Path:
        """The SavedModel, with the twin if there is one."""
        return self.store / self.name / "1"

    @property
    def has_twin(self) -> bool:
        return VersionDir(self.version).twin.is_dir()

    @property
    def rows(self) -> list[Array]:
        """Batches of one."""
        return list(np.load(self.folder / "rows.npy")[:, np.newaxis])

    @property
    def answers(self) -> list[Array]:
        """What Keras answers to each of `rows`."""
        return list(np.load(self.folder / "answers.npy")[:, np.newaxis])

    @property
    def bodies(self) -> list[bytes]:
        """PNG or JPEG files, or texts in JSON, that become `rows` by the catalogue's preprocessing; or recordings."""
        return [path.read_bytes() for path in sorted(self.folder.glob("[0-9].*"))]

    @property
    def texts(self) -> list[str]:
        """That vectors are asked of, one for each of `answers`; or that are said in recordings."""
        texts: list[str] = json.loads((self.folder / "texts.json").read_text())
        return texts

    @property
    def checkpoint(self) -> Path:
        """The same weights as PyTorch's libraries read them."""
        return self.folder / "checkpoint"

    @property
    def labels(self) -> list[str]:
        """In the order of the model's scores."""
        labels: list[str] = json.loads((self.folder / "labels.json").read_text())
        return labels


def prepared(name: str, root: Path) -> BenchModel:
    """The model of that name under `root`, made there (up to a minute) unless it is there.

    Raises:
        KeyError: there is none of that name.
        subprocess.CalledProcessError: it could not be made; why is on standard error.
    """
    if name not in _TENSORS:
        raise KeyError(name)
    model = BenchModel(name, root / f"{name}-{_digest()}")
    if not model.folder.exists():
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=root) as staging:
            made = Path(staging) / name
            command = [sys.executable, "-m", "bench.making", name, model.input, model.output, str(made)]
            environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
            subprocess.run(command, check=True, cwd=_ROOT, env=environment, stdout=subprocess.DEVNULL)
            made.rename(model.folder)
    return model


def _digest() -> str:
    """Of what determines the models: code and frameworks."""
    digest = hashlib.sha256(f"{version('keras')} {version('tensorflow')}".encode())
    for path in (_ROOT / name for name in _MADE_FROM):
        for source in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(source.read_bytes())
    return digest.hexdigest()[:12]
