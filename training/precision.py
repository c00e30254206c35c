"""In which numbers the layers of a network multiply while it is trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

_CPU = Path("/proc/cpuinfo")
_IN_HARDWARE = "amx_bf16"  # tiles of bfloat16: three times as fast as float32 for convolutions; without, it is slower


@contextmanager
def multiplying_in(precision: Literal["float32", "bfloat16", "fastest"]) -> Iterator[None]:
    """Layers that are made meanwhile multiply in these, and keep their weights as float32."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if _is_bfloat16(precision) else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _is_bfloat16(precision: str) -> bool:
    return precision == "bfloat16" or (precision == "fastest" and _multiplies_bfloat16())


def _multiplies_bfloat16() -> bool:
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        return True
    return _CPU.exists() and _IN_HARDWARE in _CPU.read_text().split()
