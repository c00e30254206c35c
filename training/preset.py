"""A configuration as a preset: the TOML file that `kmaas train --preset` reads."""

import json
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models.spec import ModelConfig
from training.errors import UnwritableError
from training.run import settle


def preset_document(config: ModelConfig, remark: str) -> str:
    """All settings but `rows`, which is for trials. `remark` stands above them as a comment."""
    lines = textwrap.wrap(remark, 118, initial_indent="# ", subsequent_indent="# ")
    return "\n".join([*lines, *_lines(config.model_dump(exclude={"rows"}, exclude_none=True))]) + "\n"


def copy_preset(preset: Path, target: Path) -> None:
    """`target` appears, or is replaced, by a rename. Raises `UnwritableError`."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(preset, partial)
        settle(partial, target)
    except OSError as exc:
        raise UnwritableError(target, f"{exc.strerror or exc}; the preset is at {preset}") from exc


def _lines(values: Mapping[str, Any], table: str = "") -> Iterator[str]:
    """Values first: what follows a table's head belongs to that table."""
    for key, value in values.items():
        if not isinstance(value, dict):
            yield f"{key} = {json.dumps(value)}"
    for key, value in values.items():
        if isinstance(value, dict):
            name = f"{table}.{key}".removeprefix(".")
            yield from ("", f"[{name}]", *_lines(value, name))
