"""Imports of large libraries that bring along what nobody here needs, and keep the garbage collector busy."""

import gc
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """In the block those of the `modules` that are not imported yet cannot be; who asks for them later gets them."""
    absent = [name for name in modules if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # which is how Python says that it cannot be imported
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextmanager
def in_parts(package: str) -> Iterator[None]:
    """In the block modules of the `package` are imported without the package itself, which would bring all of them; who
    asks for it later gets it, with these modules in it.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or package in sys.modules:  # there is none, as its modules will say; or it is whole
        yield
        return
    part = ModuleType(package)
    part.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[package] = part
    try:
        yield
    finally:
        del sys.modules[package]


def folder_of(package: str) -> Path | None:
    """Where an installed package lies, without importing it; None if it is not installed."""
    spec = importlib.util.find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


@contextmanager
def for_good() -> Iterator[None]:
    """What libraries make of themselves is never garbage: the collector looks for none in what there is after the
    block, nor in the block. That is a sixth of TensorFlow's import, and as much of a short training."""
    swept = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if swept:
            gc.enable()
