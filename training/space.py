"""A search space: which settings of a model are tried, and in which bounds. As TOML, `training/spaces/<model>.toml`."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError, model_validator

from models.spec import Frozen, ModelConfig, ModelSpec, TrainConfig
from training.config import known_keys, merged, nested
from training.errors import SpaceError

Config = TypeVar("Config", bound=ModelConfig)

SPACES = Path(__file__).with_name("spaces")

_FIXED = {  # settings that say how a search is done, not what is searched
    "seed": "every trial has the same, so that trials differ by what is searched",
    "epochs": "--max-epochs bounds them",
    "rows": "--rows is for all trials",
}

Number = StrictInt | StrictFloat
Value = StrictBool | StrictInt | StrictFloat | StrictStr


class Choices(Frozen):
    """One of several values."""

    choices: Annotated[tuple[Value, ...], Field(min_length=2)]

    @property
    def edges(self) -> tuple[Value, ...]:
        return self.choices


class Range(Frozen):
    """A number from `low` to `high`, both included; whole if both are. On a log scale each factor is as likely."""

    low: Number
    high: Number
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"expected low below high, received {self.low} and {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"a log scale needs a low above 0, received {self.low}")
        return self

    @property
    def edges(self) -> tuple[Value, ...]:
        return self.low, self.high


Dimension = Choices | Range
Space = Mapping[str, Dimension]  # by the key of the setting, that of a table with a dot


def load_space(spec: ModelSpec, base: TrainConfig, path: Path | None = None) -> Space:
    """The space in the file `path`, by default the model's own. Every bound fits the model, all else as in `base`.

    Raises:
        SpaceError: the file cannot be read, or a setting or bound does not fit.
    """
    path = path or SPACES / f"{spec.entry}.toml"
    try:
        document = tomllib.loads(path.read_text())
    except OSError as exc:
        raise SpaceError(path, exc.strerror or str(exc)) from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SpaceError(path, f"it is not TOML: {exc}") from exc
    space = {key: _dimension(path, key, table) for key, table in _tables(path, document)}
    if not space:
        raise SpaceError(path, "it is empty; expected tables such as [dropout] with low and high, or with choices")
    for key, dimension in space.items():
        _check(path, spec, base, key, dimension)
    return space


def with_values(base: Config, values: Mapping[str, Value]) -> Config:
    """`base` with other values, by key. Raises `pydantic.ValidationError` when one does not fit."""
    document = base.model_dump()
    for key, value in values.items():
        document = merged(document, nested(key, value))
    return type(base).model_validate(document)


def _tables(path: Path, document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The innermost tables, by their dotted names."""
    for name, table in document.items():
        if not isinstance(table, dict):
            raise SpaceError(path, f"{prefix}{name} is {table!r}; expected a table with low and high, or with choices")
        if table and all(isinstance(value, dict) for value in table.values()):
            yield from _tables(path, table, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", table


def _dimension(path: Path, key: str, table: Mapping[str, Any]) -> Dimension:
    kind: type[Dimension] = Choices if "choices" in table else Range
    try:
        return kind.model_validate(table)
    except ValidationError as exc:
        faults = (f"{'.'.join(map(str, error['loc']))} {error['msg']}".strip() for error in exc.errors())
        raise SpaceError(path, f"{key}: {'; '.join(faults)}") from exc


def _check(path: Path, spec: ModelSpec, base: TrainConfig, key: str, dimension: Dimension) -> None:
    if key in _FIXED:
        raise SpaceError(path, f"{key} cannot be searched: {_FIXED[key]}")
    if key not in known_keys(spec.config):
        known = ", ".join(name for name in known_keys(spec.config) if name not in _FIXED)
        raise SpaceError(path, f"unknown key {key!r}; those of {spec.name} that can be searched are {known}")
    for edge in dimension.edges:
        try:
            with_values(base, {key: edge})
        except ValidationError as exc:
            raise SpaceError(path, f"{key} cannot be {edge!r}: {exc.errors()[0]['msg']}") from exc
