"""Arrays that nothing but data and code decide: made once for each content of both."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.lock import locked

Arrays = Mapping[str, NDArray[Any]]

_LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "scikit-learn")


def kept(
    cache: Path,
    name: str,
    data: Iterable[NDArray[Any] | int | None],
    code: Iterable[ModuleType],
    make: Callable[[], Arrays],
) -> Arrays:
    """What `make` returns, in its order; kept in the folder `cache` as long as `data` and the text of `code` are so.
    Who asks meanwhile waits.

    Args:
        data: all of it that decides what is made.
        code: all of ours that makes it.
    """
    of = [*(_bytes(part) for part in data), *(Path(str(module.__file__)).read_bytes() for module in code)]
    of += [f"{library} {version(library)}".encode() for library in _LIBRARIES]
    digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in of)).hexdigest()
    cached = cache / "data" / f"{name}-{digest[:24]}.npz"
    with locked(cached):
        if not cached.exists():
            _keep(make(), cached)
        with np.load(cached) as found:
            return dict(found)


def _bytes(part: NDArray[Any] | int | None) -> bytes:
    if isinstance(part, np.ndarray):
        return f"{part.dtype} {part.shape} ".encode() + part.tobytes()
    return str(part).encode()


def _keep(arrays: Arrays, cached: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=cached.parent, prefix=f".{cached.stem}-", delete=False) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the names for its own options
    Path(file.name).replace(cached)
