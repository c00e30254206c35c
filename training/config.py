"""The configuration of a training: preset, file and command line merged into one frozen, typed value."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from models.catalog import CATALOG, find
from models.spec import ModelConfig, ModelSpec, TrainConfig
from training.errors import ConfigurationError, NotTrainedError

PRESETS = Path(__file__).with_name("presets")


def load_config(
    spec: ModelSpec,
    preset: Path | Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
    known: Mapping[str, Any] | None = None,
) -> ModelConfig:
    """The model's own preset, overlaid by `preset`, a file or what one says, and then by `settings`, each `key=value`.

    Where these name another `network` of the model, its preset is what they overlay; `models.catalog.spec_of` tells
    the network of what is returned. A dot reaches into a table (`augment.scale=0.1`); a value is read as TOML, and as
    text where it is none. `known` is above all: what was found out, as of a user's data.

    Raises:
        ConfigurationError: an unknown key (the known ones are listed), a value that does not fit, or no TOML.
        UnknownNetworkError: the model has no such network.
    """
    above = _read(preset) if isinstance(preset, Path) else dict(preset or {})
    for setting in settings:
        above = merged(above, _parsed(setting))
    if "network" in above:
        spec = find(spec.name, above["network"])
    own = PRESETS / f"{spec.entry}.toml"
    above = merged(above, known or {})
    values = merged(_read(own) if own.exists() else {}, above)  # a checkpoint has none, it says all itself
    try:
        return spec.config.model_validate(values)
    except ValidationError as exc:
        raise ConfigurationError(_explained(spec, exc)) from exc


def load_train_config(spec: ModelSpec, preset: Path | None = None, settings: Sequence[str] = ()) -> TrainConfig:
    """As `load_config`. Raises `NotTrainedError`, too, for a model that is imported."""
    config = load_config(spec, preset, settings)
    if not isinstance(config, TrainConfig):
        raise NotTrainedError(spec.name)
    return config


def presets_of(model: str) -> dict[str, Path]:
    """The presets that come with `model` beside its own, by their names."""
    found = {path.stem.removeprefix(f"{model}-"): path for path in sorted(PRESETS.glob(f"{model}-*.toml"))}
    return {name: path for name, path in found.items() if path.stem not in CATALOG}


def find_preset(model: str, given: str) -> Path:
    """The preset of this name that comes with `model`, otherwise the file `given`.

    Raises:
        ConfigurationError: neither.
    """
    named = presets_of(model)
    path = named.get(given, Path(given))
    if not path.exists():
        has = f"{model} has {', '.join(named)}" if named else f"{model} has its own one alone"
        raise ConfigurationError(f"the preset {given} cannot be read: there is no such file or folder, and {has}")
    return path


def known_keys(config: type[BaseModel], prefix: str = "") -> list[str]:
    """The keys of a configuration, those of its tables with a dot."""
    keys: list[str] = []
    for name, field in config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            keys += known_keys(field.annotation, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """What both tables say; where they differ, what `above` says."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def nested(key: str, value: Any) -> dict[str, Any]:
    """The table in which `value` stands under the dotted `key`."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as exc:
        raise ConfigurationError(f"the preset {path} cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"the preset {path} is not TOML: {exc}") from exc


def _parsed(setting: str) -> dict[str, Any]:
    key, equals, text = setting.partition("=")
    if not (key and equals):
        raise ConfigurationError(f"{setting!r} is not a setting; expected key=value")
    value: Any
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    return nested(key, value)


def _explained(spec: ModelSpec, exc: ValidationError) -> str:
    faults = []
    for error in exc.errors():
        key, message = ".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, ")
        if error["type"] == "extra_forbidden":
            faults.append(f"unknown key {key!r}; the keys of {spec.name} are {', '.join(known_keys(spec.config))}")
        elif not key:  # settings that do not fit each other
            faults.append(message)
        else:
            faults.append(f"{key}: {message}, received {error['input']!r}")
    return f"configuration of {spec.name}: {'; '.join(faults)}"
