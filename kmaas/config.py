"""`kmaas.toml` and `KMAAS_*`, merged into one frozen configuration. The only place that reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from tomllib import TOMLDecodeError
from types import UnionType
from typing import Any, TypeVar, get_args

from platformdirs import user_cache_path
from pydantic import BaseModel, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from export.rules import PromotionRules
from gateway.settings import GatewaySettings
from kmaas.errors import ConfigError
from serving.settings import ServeSettings

FILE = Path("kmaas.toml")
_PREFIX = "KMAAS_"

_Settings = TypeVar("_Settings", bound=BaseModel)


class Config(BaseSettings):
    """Where things are, and the settings of each process. Unknown keys are refused.

    A variable beats the file: `KMAAS_STORE`, or with two underscores inside a section, `KMAAS_GATEWAY__PORT`.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=_PREFIX, env_nested_delimiter="__", toml_file=FILE
    )

    store: Path = Path("var/store")
    runs: Path = Path("var/runs")
    searches: Path = Path("var/searches")
    presets: Path = Path("var/presets")
    cache: Path = Field(default_factory=lambda: user_cache_path("kmaas"))
    serve: ServeSettings = ServeSettings()
    gateway: GatewaySettings = GatewaySettings()
    promotion: PromotionRules = Field(default_factory=PromotionRules)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic's signature)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic's signature)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_config() -> Config:
    """The configuration of this folder and environment.

    Raises:
        ConfigError: an unknown key or a value that does not fit, named with where it stands.
    """
    known = {f"{_PREFIX}{name}".upper() for name in Config.model_fields}
    for variable in os.environ:
        if variable.startswith(_PREFIX) and variable.split("__")[0] not in known:
            raise ConfigError(f"unknown environment variable {variable}; expected one of {', '.join(sorted(known))}")
    try:
        return Config()
    except ValidationError as exc:
        raise ConfigError(f"{FILE} or the {_PREFIX}* variables: {_faults(exc)}") from exc
    except TOMLDecodeError as exc:
        raise ConfigError(f"{FILE} is not TOML: {exc}") from exc
    except ValueError as exc:  # pydantic-settings: a variable that should be JSON and is not
        raise ConfigError(f"the KMAAS_* variables: {exc}; a list is written as JSON, e.g. '[\"digits\"]'") from exc


def overridden(settings: _Settings, options: Mapping[str, object]) -> _Settings:
    """The settings with the options given on the command line (those not None), validated again.

    Raises:
        ConfigError: an option does not fit.
    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return type(settings).model_validate({**settings.model_dump(), **given})
    except ValidationError as exc:
        raise ConfigError(_faults(exc)) from exc


def _faults(error: ValidationError) -> str:
    """Each wrong key, with what is known instead or what was received."""
    return "; ".join(_fault(fault["loc"], fault["type"], fault["msg"], fault["input"]) for fault in error.errors())


def _fault(location: tuple[int | str, ...], kind: str, message: str, received: object) -> str:
    key, message = ".".join(map(str, location)), message.removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{key} is not a setting; known there: {', '.join(_known(location[:-1]))}"
    if isinstance(received, Mapping):  # settings that do not agree: the message names them
        return ": ".join(filter(None, (key, message)))
    return f"{key}: {message} (received {received!r})"


def _known(section: tuple[int | str, ...]) -> list[str]:
    found: Any = Config
    for name in section:
        found = _inside(found, name)
    return list(found.model_fields)


def _inside(kind: Any, name: int | str) -> Any:
    """The type of what is at `name`: a model's field, a mapping's value, a sequence's item; without its None."""
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    inner = kind.model_fields[str(name)].annotation if is_model else get_args(kind)[isinstance(name, str)]
    models = [choice for choice in get_args(inner) if isinstance(choice, type) and issubclass(choice, BaseModel)]
    return models[0] if isinstance(inner, UnionType) and models else inner
