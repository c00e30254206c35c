"""Calls on versions that no server holds, and what they ask."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

from serving.inference.call import Call
from wire import messages
from wire.records import masked_crc32c

CallOn = Callable[[str], Call]


def example(**features: float) -> object:
    """A `tensorflow.Example` with one float each."""
    made = messages.Example()
    for name, value in features.items():
        made.features.feature[name].float_list.value.append(value)
    return made


def spec(signature: str = "") -> dict[str, str]:
    """A `ModelSpec` with the name that a client would use; here nobody looks at it."""
    return {"name": "m", "signature_name": signature}


def write_records(path: Path, records: Sequence[bytes]) -> None:
    """A TFRecord file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for data in records:
            length = struct.pack("<Q", len(data))
            for part in (length, data):
                file.write(part + struct.pack("<I", masked_crc32c(part)))
