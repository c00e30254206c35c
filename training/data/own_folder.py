"""A user's own files of one kind, in folders that say which labels they have."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from training.data.dealing import LabelledRow
from training.data.findings import Finding
from training.data.own_rows import PART_NAMES, label_name
from training.data.split import Part
from training.errors import UnreadableFolderError

_SYSTEM = ("__macosx", "thumbs.db", "desktop.ini")  # what systems leave behind


@dataclass(frozen=True)
class LabelledFile(LabelledRow):
    """`name` is its place below the folder, or as a file of rows has it."""

    name: str
    path: Path

    @property
    def place(self) -> str:
        return self.name


@dataclass
class Listed:
    """What there is before a file was looked at. `file_sha256` is that of the file of rows, None for a folder."""

    files: list[LabelledFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    file_sha256: str | None = None
    encoding: str | None = None


class OwnFolder:
    """Labels are the names of folders, at the top or in the folders of given parts."""

    def __init__(self, root: Path, what: str, suffixes: tuple[str, ...]) -> None:
        """`what` the files are, in the singular, and how their names end."""
        self._root, self._what, self._suffixes = root, what, suffixes
        self._listed = Listed()
        self._wrong: dict[str, list[str]] = defaultdict(list)

    def listed(self) -> Listed:
        """In the order of their names.

        Raises:
            UnreadableFolderError: no such folder, or none for each label in it.
        """
        try:
            tops = self._folders(self._root)
            parts = {top: PART_NAMES.get(top.name.lower()) for top in tops}
            if any(part == "train" and self._has_folders(top) for top, part in parts.items()):
                labels: list[tuple[Path, Part | None]] = [
                    (label, part) for top, part in parts.items() if part for label in self._folders(top)
                ]
                self._wrong["other folders"] += [self._name(top) for top, part in parts.items() if not part]
            else:
                labels = [(top, None) for top in tops]
            for folder, part in labels:
                self._label(folder, part)
        except OSError as exc:
            raise UnreadableFolderError(self._root, exc.strerror or str(exc)) from exc
        if not labels:
            what = "it has no folder for each label, nor train and test with one for each"
            raise UnreadableFolderError(self._root, what)
        self._listed.findings = [
            Finding.of(kind, sorted(self._wrong[kind]), what) for kind, what in self._faults() if self._wrong[kind]
        ]
        return self._listed

    def _label(self, folder: Path, part: Part | None) -> None:
        label = label_name(len(self._listed.files), folder.name)
        before = len(self._listed.files)
        for path in self._files(folder):
            if path.suffix.lower() not in self._suffixes:
                self._wrong["other files"].append(self._name(path))
            elif label:
                number = len(self._listed.files) + 1
                self._listed.files.append(LabelledFile(number, (label,), self._name(path), path, part=part))
        if len(self._listed.files) == before:
            self._wrong["empty labels"].append(self._name(folder))

    def _folders(self, folder: Path) -> list[Path]:
        """Those directly in it; files beside them have no label."""
        found = list(self._entries(folder))
        self._wrong["no label"] += [
            self._name(path) for path in found if not path.is_dir() and path.suffix.lower() in self._suffixes
        ]
        others = [path for path in found if not path.is_dir() and path.suffix.lower() not in self._suffixes]
        self._wrong["other files"] += [self._name(path) for path in others]
        return [path for path in found if path.is_dir()]

    def _has_folders(self, folder: Path) -> bool:
        """Otherwise it may be a label by itself."""
        return any(path.is_dir() and not path.name.startswith(".") for path in folder.iterdir())

    def _files(self, folder: Path) -> Iterator[Path]:
        """Those below it, however deep."""
        for path in self._entries(folder):
            if path.is_dir():
                yield from self._files(path)
            else:
                yield path

    def _entries(self, folder: Path) -> Iterator[Path]:
        """Without what is hidden and what leads out of the folder; links to folders are never followed."""
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") or path.name.lower() in _SYSTEM:
                self._wrong["hidden"].append(self._name(path))
            elif path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(self._root.resolve())):
                self._wrong["links"].append(self._name(path))
            elif path.is_file() or path.is_dir():
                yield path
            else:
                self._wrong["other files"].append(self._name(path))

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _faults(self) -> Iterator[tuple[str, str]]:
        yield "hidden", "hidden, or left behind by a system: left out"
        yield "links", "a link to a folder, or out of this one: not followed"
        yield "other folders", "a folder beside those of the parts: left out"
        yield "no label", f"a {self._what} that is in no label's folder: left out"
        yield "other files", f"no {self._what} by its name ({', '.join(self._suffixes)}): left out"
        yield "empty labels", f"a label's folder without a {self._what}: not learnt"
