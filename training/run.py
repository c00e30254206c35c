"""A run: the folder of one training, and what is in it.

config.json        model and configuration
fingerprint        of configuration, code and data: equal fingerprints train equal weights
environment.json   versions, platform, commit, data: written once, before the first epoch
metrics.jsonl      a line for each epoch
tokenizer.json     text models only
checkpoint/        the last finished epoch, until the training has ended
model.weights.h5   the finished weights
examples.json      held-out requests, for the goldens, with the answers of the trained model
inputs.npz         the model's inputs for these, as training makes them
sample.npz         held-out rows as the model takes them, on which an export verifies more
held_out.npz       what was answered to each held-out row
plots/             evaluation.json as pictures
evaluation.json    what was measured: when it is there, the run is finished
"""

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import TypeAdapter, ValidationError

from models.catalog import find
from models.example import Example, HeldOutRows
from models.spec import ModelSpec, TrainConfig
from store.evaluation import Evaluation
from store.held_out import HeldOut
from training.data.lock import locked
from training.errors import NotARunError, RunBusyError, UnwritableError
from training.recipe import Array

_CONFIG, _FINGERPRINT, _EVALUATION = "config.json", "fingerprint", "evaluation.json"
_INPUTS, _SAMPLE = "inputs.npz", "sample.npz"


@dataclass(frozen=True)
class EpochLine:
    """A line of `metrics.jsonl`; epochs are counted from 1. A run of an older kmaas does not know its CPU seconds."""

    epoch: int
    loss: float
    held_out_loss: float
    seconds: float
    cpu_seconds: float | None = None


@dataclass(frozen=True)
class Run:
    """One training's folder. Files appear whole, by a rename."""

    path: Path
    spec: ModelSpec
    config: TrainConfig
    fingerprint: str

    @classmethod
    def create(cls, runs: Path, spec: ModelSpec, config: TrainConfig, fingerprint: str) -> Self:
        """A new folder `<model>-<UTC time>[-n]` under `runs`. Raises `UnwritableError`."""
        run = cls(new_folder(runs, spec.name), spec, config, fingerprint)
        run.write(_FINGERPRINT, fingerprint)
        run.write_json(_CONFIG, {"model": spec.name, **config.model_dump(mode="json")})
        return run

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises `NotARunError` for a folder that is none."""
        try:
            values = json.loads((path / _CONFIG).read_bytes())
            spec = find(values.pop("model"))
            config = spec.config.model_validate(values)
            fingerprint = (path / _FINGERPRINT).read_text()
        except (OSError, KeyError, ValueError) as exc:
            raise NotARunError(path, f"readable {_CONFIG}", f"expected a run of `kmaas train` ({exc})") from exc
        return cls(path, spec, config, fingerprint)

    @property
    def weights(self) -> Path:
        return self.path / "model.weights.h5"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint"

    @property
    def export(self) -> Path:
        return self.path / "export"

    @property
    def plots(self) -> Path:
        return self.path / "plots"

    @property
    def measured(self) -> Path:
        return self.path / _EVALUATION

    @property
    def held_out(self) -> Path:
        return self.path / "held_out.npz"

    @property
    def finished(self) -> bool:
        """Trained and evaluated."""
        return self.measured.is_file()

    def require_weights(self) -> None:
        """Raises `NotARunError` while the training has not ended."""
        self._needed(self.weights.name)

    def epochs(self) -> list[EpochLine]:
        if not self.metrics.exists():
            return []
        return [EpochLine(**json.loads(line)) for line in self.metrics.read_text().splitlines()]

    def tokenizer(self) -> str | None:
        path = self.path / "tokenizer.json"
        return path.read_text() if path.exists() else None

    def environment(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._needed("environment.json"))
        return document

    def evaluation(self) -> Evaluation:
        """Raises `NotARunError` when the run was not evaluated, or by another kmaas."""
        document = self._needed(_EVALUATION)
        try:
            return Evaluation.model_validate_json(document)
        except ValidationError as exc:
            hint = f"measure it again: kmaas evaluate {self.path}"
            raise NotARunError(self.path, f"readable {_EVALUATION}", hint) from exc

    def examples(self) -> list[Example]:
        return _EXAMPLES.validate_json(self._needed("examples.json"))

    def inputs(self) -> Array:
        """A batch: the model's input for each of `examples`, as training makes it. Raises as `sample`."""
        return self._arrays(_INPUTS, "inputs")["inputs"]

    def sample(self) -> HeldOutRows:
        """Raises `NotARunError` when it is missing or unreadable."""
        return HeldOutRows(**self._arrays(_SAMPLE, "inputs", "truth"))

    def write_examples(self, examples: list[Example], inputs: Array) -> None:
        self.write("examples.json", _EXAMPLES.dump_json(examples, indent=1).decode())
        self._write_arrays(_INPUTS, inputs=inputs)

    def write_sample(self, rows: HeldOutRows) -> None:
        self._write_arrays(_SAMPLE, inputs=rows.inputs, truth=rows.truth)

    def write_held_out(self, held_out: HeldOut) -> None:
        partial = self.path / ".held_out.partial"
        held_out.write(partial)
        settle(partial, self.held_out)

    def write_json(self, name: str, document: Any) -> None:
        self.write(name, json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def write(self, name: str, text: str) -> None:
        """The file appears by one rename."""
        partial = self.path / f".{name}.partial"
        partial.write_text(text)
        settle(partial, self.path / name)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Raises `RunBusyError` when another process trains this run."""
        try:
            with locked(self.path / "run", wait=False):
                yield
        except BlockingIOError as exc:
            raise RunBusyError(self.path) from exc

    def _arrays(self, name: str, *keys: str) -> dict[str, Array]:
        content = self._needed(name)
        try:
            with np.load(BytesIO(content)) as arrays:
                return {key: arrays[key] for key in keys}
        except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as exc:
            raise NotARunError(
                self.path, f"readable {name}", f"`kmaas evaluate {self.path}` writes it ({exc})"
            ) from exc

    def _write_arrays(self, name: str, **arrays: Array) -> None:
        partial = self.path / f".partial.{name}"
        np.savez_compressed(partial, allow_pickle=False, **arrays)
        settle(partial, self.path / name)

    def _needed(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError as exc:
            raise NotARunError(self.path, name, f"finish it first: {resume_command(self)}") from exc


_EXAMPLES = TypeAdapter(list[Example])


def resume_command(run: Run) -> str:
    return f"kmaas train --resume {run.path}"


def settle(partial: Path, target: Path) -> None:
    """Renames a written file once the disk has its bytes: after a power cut `target` is whole, the old or the new."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(target)


def runs_of(runs: Path, model: str) -> list[Run]:
    """The runs of `model` under `runs`, the newest first; folders that are none are passed over."""
    found = []
    for path in sorted(runs.glob(f"{model}-*"), reverse=True):
        try:
            run = Run.open(path)
        except NotARunError:
            continue
        if run.spec.name == model:
            found.append(run)
    return found


def new_folder(runs: Path, model: str) -> Path:
    """A new folder `<model>-<UTC time>[-n]` under `runs`. Raises `UnwritableError`."""
    name = f"{model}-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    attempt = 1
    while True:
        path = runs / (name if attempt == 1 else f"{name}-{attempt}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            attempt += 1
        except OSError as exc:
            raise UnwritableError(runs, exc.strerror or str(exc)) from exc
        else:
            return path
