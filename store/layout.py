"""Where things are in the store: `<root>/<model>/<version>/`, as TensorFlow Serving reads it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from store.errors import InvalidNameError, VersionNotFoundError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

INT64_MAX = 2**63 - 1

MOST_WARM_UP = 1000  # requests in a version's warm-up file: TensorFlow Serving refuses a version with more


def is_name(name: str) -> bool:
    """Whether a model can have this name: it becomes a folder, a URL part and a metric label."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Returns `name` if it `is_name`, or raises `InvalidNameError`."""
    if not is_name(name):
        raise InvalidNameError(name)
    return name


def parse_version(folder_name: str) -> int | None:
    """The version a folder name stands for, or None: only non-negative int64 numbers count."""
    if not (folder_name.isascii() and folder_name.isdecimal()):
        return None
    number = int(folder_name)
    return number if number <= INT64_MAX else None


def version_folders(base: Path) -> dict[int, Path]:
    """The version folders directly under `base`, by number; of two names with one number the shorter wins.

    Raises `OSError` if `base` cannot be listed.
    """
    found: dict[int, Path] = {}
    for child in sorted(base.iterdir(), key=lambda path: -len(path.name)):
        number = parse_version(child.name)
        if number is not None and child.is_dir():
            found[number] = child
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class VersionDir:
    """One version's folder and the names inside it."""

    path: Path

    @property
    def number(self) -> int:
        return int(self.path.name)

    @property
    def extra(self) -> Path:
        return self.path / "assets.extra"

    @property
    def manifest(self) -> Path:
        return self.extra / "manifest.json"

    @property
    def golden(self) -> Path:
        return self.extra / "golden"

    @property
    def warm_up(self) -> Path:
        """TensorFlow Serving's own name: requests that it replays before the version serves."""
        return self.extra / "tf_serving_warmup_requests"

    @property
    def batching_parameters(self) -> Path:
        """TensorFlow Serving's own name: how it batches this version, where the server is told to look for it."""
        return self.path / "batching_params.pbtxt"

    @property
    def twin(self) -> Path:
        return self.extra / "runtime"

    @property
    def card(self) -> Path:
        return self.extra / "card.md"

    @property
    def page(self) -> Path:
        """The card as one HTML file that needs no other."""
        return self.extra / "card.html"

    @property
    def plots(self) -> Path:
        """The evaluation as pictures."""
        return self.extra / "plots"

    @property
    def evaluation(self) -> Path:
        """What the training measured, as the run has it."""
        return self.extra / "evaluation.json"

    @property
    def held_out(self) -> Path:
        """See `store.held_out`."""
        return self.extra / "held_out.npz"

    @property
    def parity(self) -> Path:
        return self.extra / "parity.json"


@dataclass(frozen=True)
class Store:
    """A directory tree of versions. Reading needs no lock: versions appear by one rename and never change."""

    root: Path

    @classmethod
    def at(cls, root: Path | str) -> Self:
        return cls(Path(root).expanduser().resolve())

    def base(self, model: str) -> Path:
        return self.root / check_name(model)

    def models(self) -> list[str]:
        """Names of the models with at least one version folder, sorted. A missing root has none."""
        if not self.root.is_dir():
            return []
        return sorted(
            child.name
            for child in self.root.iterdir()
            if child.is_dir() and is_name(child.name) and version_folders(child)
        )

    def versions(self, model: str) -> list[int]:
        """Version numbers of `model`, ascending; empty if there are none."""
        base = self.base(model)
        return list(version_folders(base)) if base.is_dir() else []

    def version(self, model: str, number: int | None = None) -> VersionDir:
        """The folder of a version, the newest by default.

        Raises:
            VersionNotFoundError: the store does not have it.
        """
        base = self.base(model)
        folders = version_folders(base) if base.is_dir() else {}
        wanted = max(folders, default=None) if number is None else number
        if wanted is None or wanted not in folders:
            raise VersionNotFoundError(model, number)
        return VersionDir(folders[wanted])
