"""A search for a model's best configuration: the folder of one, and what is in it.

search.json   the plan: model, method, trials, configuration, space, fingerprint
trials/       keras-tuner's own project: its oracle's state, a folder for each trial
preset.toml   the best configuration, once the search has ended
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import JsonValue

from models.catalog import find
from models.errors import ModelsError
from models.spec import Count, Frozen, ModelSpec, TrainConfig
from training.data.lock import locked
from training.errors import NotASearchError, SearchBusyError
from training.fingerprint import fingerprint
from training.run import new_folder, settle
from training.space import Dimension, Space, Value

Method = Literal["random", "hyperband", "bayesian"]
METHODS: tuple[Method, ...] = get_args(Method)

ACCURACY = "accuracy"  # by which most models are judged

_PLAN, _PRESET = "search.json", "preset.toml"


@dataclass(frozen=True)
class Trial:
    """A finished trial, counted from 1. `score` is on the validation rows, by what `measure` names."""

    number: int
    settings: Mapping[str, Value]
    epochs: int
    score: float
    measure: str = ACCURACY


class Plan(Frozen):
    """What a search does. `config` is what all trials share, and the preset: but for the epochs, of which a trial has
    `max_epochs` at most."""

    model: str
    method: Method
    trials: Count
    max_epochs: Count
    config: dict[str, JsonValue]
    space: dict[str, Dimension]
    fingerprint: str


@dataclass(frozen=True)
class Search:
    """One search's folder."""

    path: Path
    spec: ModelSpec
    base: TrainConfig
    plan: Plan

    @classmethod
    def create(
        cls,
        searches: Path,
        spec: ModelSpec,
        base: TrainConfig,
        space: Space,
        *,
        method: Method,
        trials: int,
        max_epochs: int | None = None,
    ) -> Self:
        """A new folder `<model>-<UTC time>[-n]` under `searches`. Without `max_epochs` a trial has at most
        those of `base`. Raises `UnwritableError`."""
        plan = Plan(
            model=spec.name,
            method=method,
            trials=trials,
            max_epochs=base.epochs if max_epochs is None else max_epochs,
            config=base.model_dump(mode="json"),
            space=dict(space),
            fingerprint=fingerprint(spec, base),
        )
        search = cls(new_folder(searches, spec.name), spec, base, plan)
        _write(search.path / _PLAN, plan.model_dump_json(indent=2) + "\n")
        return search

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises `NotASearchError` for a folder that is none."""
        try:
            plan = Plan.model_validate_json((path / _PLAN).read_bytes())
            spec = find(plan.model, plan.config.get("network"))
            config = spec.config.model_validate(plan.config)
        except (OSError, ValueError, ModelsError) as exc:
            raise NotASearchError(path, f"no readable {_PLAN} ({exc})") from exc
        if not isinstance(config, TrainConfig):
            raise NotASearchError(path, f"{spec.name} is not trained here")
        return cls(path, spec, config, plan)

    @property
    def preset(self) -> Path:
        return self.path / _PRESET

    def write_preset(self, document: str) -> None:
        _write(self.preset, document)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Raises `SearchBusyError` when another process continues this search."""
        try:
            with locked(self.path / "search", wait=False):
                yield
        except BlockingIOError as exc:
            raise SearchBusyError(self.path) from exc


def best_of(trials: list[Trial]) -> Trial:
    """The one of the highest score; of equal ones the first."""
    return max(trials, key=lambda trial: (trial.score, -trial.number))


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    settle(partial, path)
