"""Where a user's own pictures are, and which labels they have: in folders, or in the rows of a file."""

from collections.abc import Sequence

from models.image_classifier import PicturesSource
from training.data.findings import Finding
from training.data.own_folder import LabelledFile, Listed, OwnFolder
from training.data.own_rows import label_name, part_of
from training.data.table import read_table
from training.errors import DataError, UnreadableFolderError

SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff")


def list_pictures(source: PicturesSource) -> Listed:
    """In the order of their names, or of the file's rows.

    Raises:
        UnreadableFolderError: no such folder, or none for each label in it.
        DataError: a file that cannot be read, or lacks a column.
    """
    if source.path.is_dir():
        return OwnFolder(source.path, "picture", SUFFIXES).listed()
    if source.image_column is None or source.label_column is None:
        raise UnreadableFolderError(source.path, "it is no folder; of a file, --image-column and --label-column say")
    return _of_rows(source, source.image_column, source.label_column)


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
        listed.files.append(LabelledFile(row.number, (label,), given.strip(), path, part=part))
    told: Sequence[tuple[str, list[int], str]] = (
        ("no label", unlabelled, "no label: left out"),
        ("links", outside, "a path out of the folder in which the file is: left out"),
    )
    listed.findings = [Finding.of(kind, rows, what) for kind, rows, what in told if rows]
    return listed
