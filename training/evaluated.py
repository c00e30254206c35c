"""What an evaluation of a run leaves: a folder, and what is in it.

evaluation.json   what was measured
held_out.npz      what was answered to each held-out row
plots/            evaluation.json as pictures
examples.json     held-out requests, for the goldens, with the answers of the trained model
inputs.npz        the model's inputs for these, as training makes them
sample.npz        held-out rows as the model takes them, on which an export verifies more
contents.json     sha256 of the files that were measured
"""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from models.example import Example, HeldOutRows
from store.evaluation import Evaluation, parse_evaluation
from store.held_out import HeldOut
from training.errors import NotARunError, UnfinishedRunError
from training.recipe import Array

_MEASURED, _EXAMPLES = "evaluation.json", "examples.json"
_INPUTS, _SAMPLE, _CONTENTS = "inputs.npz", "sample.npz", "contents.json"
_ALL_EXAMPLES = TypeAdapter(list[Example])
_ALL_CONTENTS = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class Evaluated:
    """The folder of one evaluation of `run`. Nobody changes it: `Run.evaluating` makes another."""

    path: Path
    run: Path

    @property
    def measured(self) -> Path:
        return self.path / _MEASURED

    @property
    def held_out(self) -> Path:
        return self.path / "held_out.npz"

    @property
    def plots(self) -> Path:
        return self.path / "plots"

    def evaluation(self) -> Evaluation:
        """Raises `NotARunError` when the run was not evaluated, or by another kmaas."""
        document = self._needed(_MEASURED)
        try:
            return parse_evaluation(document)
        except ValidationError as exc:
            raise self._unreadable(_MEASURED) from exc

    def examples(self) -> list[Example]:
        """Raises `NotARunError` when they are missing or unreadable."""
        document = self._needed(_EXAMPLES)
        try:
            return _ALL_EXAMPLES.validate_json(document)
        except ValidationError as exc:
            raise self._unreadable(_EXAMPLES) from exc

    def inputs(self) -> Array:
        """A batch: the model's input for each of `examples`, as training makes it. Raises as `sample`."""
        return self._arrays(_INPUTS, "inputs")["inputs"]

    def sample(self) -> HeldOutRows:
        """Raises `NotARunError` when it is missing or unreadable."""
        return HeldOutRows(**self._arrays(_SAMPLE, "inputs", "truth"))

    def contents(self) -> dict[str, str]:
        """sha256 of the files that were measured, by name. Raises `NotARunError` when it is missing or unreadable."""
        document = self._needed(_CONTENTS)
        try:
            return _ALL_CONTENTS.validate_json(document)
        except ValidationError as exc:
            raise self._unreadable(_CONTENTS) from exc

    def write(
        self,
        evaluation: Evaluation,
        held_out: HeldOut,
        examples: list[Example],
        inputs: Array,
        sample: HeldOutRows,
        *,
        contents: Mapping[str, str],
    ) -> None:
        """All but the plots."""
        self.measured.write_text(evaluation.model_dump_json(indent=2) + "\n")
        held_out.write(self.held_out)
        (self.path / _EXAMPLES).write_bytes(_ALL_EXAMPLES.dump_json(examples, indent=1))
        np.savez_compressed(self.path / _INPUTS, allow_pickle=False, inputs=inputs)
        np.savez_compressed(self.path / _SAMPLE, allow_pickle=False, inputs=sample.inputs, truth=sample.truth)
        (self.path / _CONTENTS).write_bytes(_ALL_CONTENTS.dump_json(dict(contents), indent=1))

    def _arrays(self, name: str, *keys: str) -> dict[str, Array]:
        content = self._needed(name)
        try:
            with np.load(BytesIO(content)) as arrays:
                return {key: arrays[key] for key in keys}
        except (EOFError, KeyError, ValueError, zipfile.BadZipFile) as exc:
            raise self._unreadable(name) from exc

    def _needed(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError as exc:
            if name != _MEASURED and self.measured.exists():  # of an older kmaas
                raise self._unreadable(name) from exc
            raise UnfinishedRunError(self.run, name) from exc

    def _unreadable(self, name: str) -> NotARunError:
        return NotARunError(self.run, f"readable {name}", f"measure it again: kmaas evaluate {self.run}")
