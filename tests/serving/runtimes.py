"""A runtime that a test holds in its hand: versions load when and how the test says."""

import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from serving.errors import Code, LoadError
from serving.runtimes.runtime import Runtime
from wire.tensors import Array


class Opened:
    """A `Runtime` that knows its folder, and whether it was closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = threading.Event()

    @property
    def signatures(self) -> Mapping[str, Any]:
        return {}

    @property
    def pure(self) -> Collection[str]:
        return []

    @property
    def unopened(self) -> Collection[str]:
        return []

    @property
    def facts(self) -> Mapping[str, str]:
        assert not self.closed.is_set(), f"{self.path} is asked after it was closed"
        return {"runtime": "opened"}

    def run(
        self, signature: str, inputs: Mapping[str, Array], outputs: Sequence[str], timeout_s: float | None
    ) -> list[Array]:
        assert not self.closed.is_set(), f"{self.path} runs after it was closed"
        return []

    def close(self) -> None:
        assert not self.closed.is_set(), f"{self.path} is closed twice"
        self.closed.set()


class Opener:
    """Opens folders that hold a file `good`; a folder with a file `held` waits until `release`."""

    def __init__(self) -> None:
        self.opened: list[Opened] = []
        self.tries: list[str] = []
        self.loading = threading.Event()
        self.release = threading.Event()

    def __call__(self, _model: str, _version: int, path: Path) -> Runtime:
        self.tries.append(path.name)
        if (path / "held").exists():
            self.loading.set()
            assert self.release.wait(30)
        if (path / "bug").exists():
            raise ZeroDivisionError("a defect of the runtime")
        if not (path / "good").exists():
            raise LoadError(Code.DATA_LOSS, f"{path.name} is broken")
        self.opened.append(Opened(path))
        return self.opened[-1]
