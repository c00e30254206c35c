"""One model's folders, and a manager that is told of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving.lifecycle.manager import Manager
from serving.lifecycle.model_config import ModelConfig
from serving.lifecycle.policy import Policy, State
from serving.lifecycle.rules import Rules
from serving.metrics import Metrics
from tests.serving.runtimes import Opener


class Shelf:
    """`now` and `memory` are the manager's clock and the memory of the process, as the test says."""

    def __init__(self, root: Path, rules: Rules, patience_s: float = 60) -> None:
        self.root = root
        self.opener = Opener()
        self.metrics = Metrics()
        self.now, self.memory = 0.0, 0
        self.manager = Manager(
            self.opener,
            rules,
            self.metrics,
            clock=lambda: self.now,
            memory_used=lambda: self.memory,
            patience_s=patience_s,
        )
        self.config = ModelConfig("m", root)
        self.manager.configure({"m": self.config})

    def configure(self, policy: Policy) -> None:
        self.config = ModelConfig("m", self.root, policy)
        self.manager.configure({"m": self.config})

    def put(self, *versions: int, files: tuple[str, ...] = ("good",)) -> None:
        for version in versions:
            (self.root / str(version)).mkdir(exist_ok=True)
            for name in files:
                (self.root / str(version) / name).touch()

    def aspire(self, *versions: int) -> None:
        self.manager.aspire(self.config, {version: self.root / str(version) for version in versions})

    def settle(self, *versions: int) -> dict[int, State]:
        self.aspire(*versions)
        assert self.manager.wait_settled(timeout_s=30)
        return self.states()

    def states(self) -> dict[int, State]:
        return {line.version: line.state for line in self.manager.statuses("m")}

    def served(self, version: int | None = None, timeout_s: float = 30) -> int:
        with self.manager.use("m", version, timeout_s) as servable:
            servable.runtime.run("", {}, [], None)
            return servable.version


@contextmanager
def shelved(root: Path, *, patience_s: float = 60, **rules: Any) -> Iterator[Shelf]:
    """Rules are given by name."""
    shelf = Shelf(root, Rules(**rules), patience_s)
    yield shelf
    shelf.opener.release.set()
    shelf.manager.close(30)
    assert all(runtime.closed.is_set() for runtime in shelf.opener.opened)
