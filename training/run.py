"""A run: the folder of one training, and what is in it.

config.json        model and configuration
fingerprint        of configuration, code and data: equal fingerprints train equal weights
environment.json   versions, platform, commit, data: written once, before the first epoch
metrics.jsonl      a line for each epoch
tokenizer.json     text models only
chat_template.jinja    models that chat only
data.json          of data that the user brought: what was found in it
checkpoint/        the last finished epoch, until the training has ended
model.weights.h5   the finished weights
evaluation/        what was measured, see `training.evaluated`: when it is there, the run is finished
export/            a version, ready to be published
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from models.catalog import find, spec_of
from models.errors import ModelsError
from models.spec import ModelConfig, ModelSpec
from store.contents import sha256_of
from store.disk import sync
from training.data.lock import locked
from training.errors import ChangedRunError, NotARunError, RunBusyError, UnfinishedRunError, UnwritableError
from training.evaluated import Evaluated

_CONFIG, _FINGERPRINT = "config.json", "fingerprint"
_EVALUATION, _STAGING, _ASIDE = "evaluation", ".evaluating", ".evaluated-before"


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
    config: ModelConfig
    fingerprint: str

    @classmethod
    def create(cls, runs: Path, spec: ModelSpec, config: ModelConfig, fingerprint: str) -> Self:
        """A new folder `<model>-<UTC time>[-n]` under `runs`. Raises `UnwritableError`."""
        run = cls(new_folder(runs, spec.name), spec, config, fingerprint)
        run.write(_FINGERPRINT, fingerprint)
        run.write_json(_CONFIG, {"model": spec.model, **config.model_dump(mode="json")})
        return run

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises `NotARunError` for a folder that is none."""
        try:
            values = json.loads((path / _CONFIG).read_bytes())
            spec = find(values.pop("model"), values.get("network"))
            config = spec.config.model_validate(values)
            spec = spec_of(config)
            fingerprint = (path / _FINGERPRINT).read_text()
        except (OSError, AttributeError, KeyError, TypeError, ValueError, ModelsError) as exc:
            raise NotARunError(path, f"readable {_CONFIG}", f"expected a run of `kmaas train` ({exc})") from exc
        return cls(path, spec, config, fingerprint)

    @property
    def weights(self) -> Path:
        return self.path / "model.weights.h5"

    @property
    def _tokenizer(self) -> Path:
        return self.path / "tokenizer.json"

    @property
    def _chat_template(self) -> Path:
        return self.path / "chat_template.jinja"

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
    def finished(self) -> bool:
        """Trained and evaluated."""
        return self.evaluated.measured.is_file()

    @property
    def evaluated(self) -> Evaluated:
        """The last evaluation that was finished. Between two steps of `evaluating` it has the other name."""
        place, aside = self.path / _EVALUATION, self.path / _ASIDE
        return Evaluated(aside if aside.exists() and not place.exists() else place, self.path)

    @contextmanager
    def evaluating(self) -> Iterator[Evaluated]:
        """An empty evaluation to write. At the end of the block it is `evaluated`, all of it at once; until then, and
        when the block fails or the process is killed, that is the one before. One caller at a time."""
        place, aside, staging = (self.path / name for name in (_EVALUATION, _ASIDE, _STAGING))
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        try:
            yield Evaluated(staging, self.path)
            for path in (*staging.rglob("*"), staging):
                sync(path)
            if place.exists():
                shutil.rmtree(aside, ignore_errors=True)
                place.rename(aside)
            staging.rename(place)
            sync(self.path)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)

    def contents(self) -> dict[str, str]:
        """sha256 of the files that determine its answers, by name."""
        files = (self.weights, self._tokenizer, self._chat_template)
        return {path.name: sha256_of(path) for path in files if path.exists()}

    def require_as_evaluated(self) -> None:
        """Raises `ChangedRunError` where one of `contents` is another than was measured, `NotARunError`
        where it was not measured or by an older kmaas."""
        now, measured = self.contents(), self.evaluated.contents()
        if changed := sorted(name for name in now.keys() | measured.keys() if now.get(name) != measured.get(name)):
            raise ChangedRunError(self.path, changed)

    def require_weights(self) -> None:
        """Raises `NotARunError` while the training has not ended."""
        self._needed(self.weights.name)

    def epochs(self) -> list[EpochLine]:
        if not self.metrics.exists():
            return []
        return [EpochLine(**json.loads(line)) for line in self.metrics.read_text().splitlines()]

    def tokenizer(self) -> str | None:
        return self._tokenizer.read_text() if self._tokenizer.exists() else None

    def chat_template(self) -> str | None:
        return self._chat_template.read_text() if self._chat_template.exists() else None

    def environment(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._needed("environment.json"))
        return document

    def write_json(self, name: str, document: Any) -> None:
        self.write(name, json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def write(self, name: str, text: str) -> None:
        """The file appears by one rename."""
        partial = self.path / f".{name}.partial"
        partial.write_text(text)
        settle(partial, self.path / name)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """For who changes the run. Raises `RunBusyError` when another process is at work on it."""
        with _held(self.path):
            yield

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """For who reads it, beside others who do; it stays as it is meanwhile. Raises as `exclusive`, and
        `UnwritableError` where nothing can be written."""
        with _held(self.path, shared=True):
            yield

    def _needed(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError as exc:
            raise UnfinishedRunError(self.path, name) from exc


@contextmanager
def _held(path: Path, *, shared: bool = False) -> Iterator[None]:
    with ExitStack() as lock:
        try:
            lock.enter_context(locked(path / "run", wait=False, shared=shared))
        except BlockingIOError as exc:
            raise RunBusyError(path) from exc
        yield


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
