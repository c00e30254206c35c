"""The text protobuf files that settings name."""

from pathlib import Path
from typing import Any

from google.protobuf import text_format

from serving.errors import ConfigFileError
from wire import messages


def read_text_proto(path: Path, message: Any) -> Any:
    """A message of the class `message` from its text form.

    Raises:
        ConfigFileError: the file cannot be read, or is not that message.
    """
    try:
        return parse_text_proto(path.read_bytes(), message)
    except (OSError, ValueError) as exc:
        raise ConfigFileError(path, message.DESCRIPTOR.full_name, str(exc)) from exc


def parse_text_proto(text: bytes, message: Any) -> Any:
    """`read_text_proto` for those whose errors have other words.

    Raises:
        ValueError: it is not that message, or no UTF-8.
    """
    try:
        return text_format.Parse(text, message(), descriptor_pool=messages.pool())
    except text_format.ParseError as exc:
        raise ValueError(str(exc)) from exc
