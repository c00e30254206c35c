"""Command-line flags made from a settings model: one per field, written as `tensorflow_model_server` writes them.

`--name=value` or `--name value`; a flag that is true or false may stand alone; `-` and `_` in a name are the same.
"""

from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import click
from pydantic import BaseModel

_TYPES: Mapping[type, click.ParamType[Any]] = {bool: click.BOOL, int: click.INT, float: click.FLOAT}

Command = Callable[..., Any]


def same_dash(name: str) -> str:
    """For click's `token_normalize_func`: `rest-api-port` is `rest_api_port`."""
    return name.replace("-", "_") if len(name) > 1 else name


def flags_of(settings: type[BaseModel]) -> Callable[[Command], Command]:
    """One option per field; what is not given is None, so that `kmaas.config.overridden` can tell."""

    def decorate(command: Command) -> Command:
        for name, field in reversed(settings.model_fields.items()):
            kind = _plain(field.annotation)
            default = "" if field.default in (None, "") else f"  [default: {_shown(field.default)}]"
            metavar = {bool: "[=BOOL]", int: "N", float: "N"}.get(kind, "TEXT")
            alone: dict[str, Any] = {"is_flag": False, "flag_value": "true"} if kind is bool else {}
            option = click.option(
                f"--{name}",
                type=_TYPES.get(kind, click.STRING),
                metavar=metavar,
                help=f"{field.description}{default}",
                **alone,
            )
            command = option(command)
        return command

    return decorate


def ignored_flags(names: Iterable[str]) -> Callable[[Command], Command]:
    """Options that are taken and say nothing; hidden in the help."""

    def decorate(command: Command) -> Command:
        for name in names:
            command = click.option(f"--{name}", is_flag=False, flag_value="true", hidden=True)(command)
        return command

    return decorate


def _plain(annotation: Any) -> type:
    """The type under `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if isinstance(annotation, UnionType):
        return _plain(next(kind for kind in get_args(annotation) if kind is not type(None)))
    assert isinstance(annotation, type)
    return annotation


def _shown(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)
