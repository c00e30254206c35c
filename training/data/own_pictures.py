"""Where a user's own pictures are, and which labels they have: in folders, or in the rows of a file."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.image_classifier import PicturesSource
from training.data.dealing import LabelledRow
from training.data.findings import Finding
from training.data.own_rows import PART_NAMES, label_name, part_of
from training.data.split import Part
from training.data.table import read_table
from training.errors import DataError, UnreadablePicturesError

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff")

_SYSTEM = ("__macosx", "thumbs.db", "desktop.ini")  # what systems leave behind


@dataclass(frozen=True)
class LabelledPicture(LabelledRow):
    """`name` is its place below the folder, or as the file has it."""

    name: str
    path: Path

    @property
    def place(self) -> str:
        return self.name


@dataclass
class Listed:
    """What there is before a picture was looked at. `file_sha256` is that of the file of rows, None for a folder."""

    pictures: list[LabelledPicture] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    file_sha256: str | None = None
    encoding: str | None = None


def list_pictures(source: PicturesSource) -> Listed:
    """In the order of their names, or of the file's rows.

    Raises:
        UnreadablePicturesError: no such folder, or none for each label in it.
        DataError: a file that cannot be read, or lacks a column.
    """
    if source.path.is_dir():
        return _Folder(source.path).listed()
    if source.image_column is None or source.label_column is None:
        raise UnreadablePicturesError(source.path, "it is no folder; of a file, --image-column and --label-column say")
    return _of_rows(source, source.image_column, source.label_column)


class _Folder:
    """Labels are the names of folders, at the top or in the folders of given parts."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed = Listed()
        self._wrong: dict[str, list[str]] = defaultdict(list)

    def listed(self) -> Listed:
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
            raise UnreadablePicturesError(self._root, exc.strerror or str(exc)) from exc
        if not labels:
            what = "it has no folder for each label, nor train and test with one for each"
            raise UnreadablePicturesError(self._root, what)
        self._listed.findings = [
            Finding.of(kind, sorted(self._wrong[kind]), what) for kind, what in _FAULTS.items() if self._wrong[kind]
        ]
        return self._listed

    def _label(self, folder: Path, part: Part | None) -> None:
        label = label_name(len(self._listed.pictures), folder.name)
        before = len(self._listed.pictures)
        for path in self._files(folder):
            if path.suffix.lower() not in SUFFIXES:
                self._wrong["other files"].append(self._name(path))
            elif label:
                number = len(self._listed.pictures) + 1
                self._listed.pictures.append(LabelledPicture(number, (label,), self._name(path), path, part=part))
        if len(self._listed.pictures) == before:
            self._wrong["empty labels"].append(self._name(folder))

    def _folders(self, folder: Path) -> list[Path]:
        """Those directly in it; files beside them have no label."""
        found = list(self._entries(folder))
        self._wrong["no label"] += [
            self._name(path) for path in found if not path.is_dir() and path.suffix.lower() in SUFFIXES
        ]
        others = [path for path in found if not path.is_dir() and path.suffix.lower() not in SUFFIXES]
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


_FAULTS = {
    "hidden": "hidden, or left behind by a system: left out",
    "links": "a link to a folder, or out of this one: not followed",
    "other folders": "a folder beside those of the parts: left out",
    "no label": "a picture that is in no label's folder: left out",
    "other files": f"no picture by its name ({', '.join(SUFFIXES)}): left out",
    "empty labels": "a label's folder without a picture: not learnt",
}


def _of_rows(source: PicturesSource, image_column: str, label_column: str) -> Listed:
    table = read_table(source.path, encoding=source.encoding, delimiter=source.delimiter)
    wanted = (image_column, label_column, source.split_column)
    table.require(*(column for column in wanted if column is not None))
    listed = Listed(file_sha256=table.sha256, encoding=table.encoding)
    unlabelled: list[int] = []
    outside: list[int] = []
    base = source.path.resolve().parent
    for row in table.rows:
        given = row.values.get(image_column)
        label = label_name(row.number, row.values.get(label_column))
        if label is None:
            unlabelled.append(row.number)
            continue
        if not isinstance(given, str) or not given.strip() or "\0" in given:
            raise DataError(f"row {row.number} has {str(given)[:60]!r} in the column {image_column!r}, expected a path")
        path = (base / given.strip()).resolve()
        if not path.is_relative_to(base):
            outside.append(row.number)
            continue
        part = part_of(row, source.split_column)
        listed.pictures.append(LabelledPicture(row.number, (label,), given.strip(), path, part=part))
    told: Sequence[tuple[str, list[int], str]] = (
        ("no label", unlabelled, "no label: left out"),
        ("links", outside, "a path out of the folder in which the file is: left out"),
    )
    listed.findings = [Finding.of(kind, rows, what) for kind, rows, what in told if rows]
    return listed
