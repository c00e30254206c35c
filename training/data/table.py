"""Rows of a user's own file: CSV, JSON lines or Parquet, read whole, with what is wrong with it said in one line."""

import codecs
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import DataError, EncodingError, MissingColumnError, UnreadableTableError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON_LINES = (".jsonl", ".ndjson")
_PARQUET = ".parquet"
_SUFFIXES = (*_DELIMITERS, *_JSON_LINES, _PARQUET)
_FIELD = 2**31 - 1  # characters: a field that is too long is a matter of the rows, and is told with them
_LIKELY = "windows-1252"  # what most files are that are not UTF-8
_AROUND = 20  # characters of a line that are shown
_LINE_END = re.compile(r"\r\n|\r|\n")
_MARKS = (  # the longer first: the mark of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Row:
    """`number` counts lines of a text file, and rows of others, from 1."""

    number: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """`encoding` is that in which it was read, None for a file that is no text."""

    columns: Sequence[str]
    rows: Sequence[Row]
    encoding: str | None
    sha256: str

    def require(self, *columns: str) -> None:
        """Raises `MissingColumnError`."""
        if missing := [column for column in columns if column not in self.columns]:
            raise MissingColumnError(missing, self.columns)


def read_table(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """All rows, in order. The form is told by the name's ending.

    Args:
        encoding: of a text file; None takes that of its byte order mark, or UTF-8.
        delimiter: of a CSV file; None takes that of its ending.

    Raises:
        UnreadableTableError: no such file, not of one of the forms, empty, or damaged.
        EncodingError: bytes that are no text in that encoding.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise UnreadableTableError(path, f"its name ends in {suffix or 'nothing'}, expected {', '.join(_SUFFIXES)}")
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise UnreadableTableError(path, exc.strerror or str(exc)) from exc
    digest = hashlib.sha256(content).hexdigest()
    if suffix == _PARQUET:
        columns, rows = _parquet(path, content)
        return Table(columns, rows, None, digest)
    text, read_as = _decoded(path, content, encoding)
    if not text.strip():
        raise UnreadableTableError(path, "the file is empty")
    if suffix in _JSON_LINES:
        columns, rows = _json_lines(path, text)
    else:
        columns, rows = _csv(path, text, delimiter or _DELIMITERS[suffix])
    return Table(columns, rows, read_as, digest)


def _decoded(path: Path, content: bytes, given: str | None) -> tuple[str, str]:
    """The text, and the encoding it was in. Nothing is guessed: bytes that are wrong would be wrong letters."""
    encoding = given or next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding).removeprefix("\ufeff"), encoding
    except LookupError as exc:
        raise DataError(f"there is no encoding {encoding!r}; expected one as utf-8, {_LIKELY}, utf-16") from exc
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        around = content[max(0, exc.start - _AROUND) : exc.start + _AROUND].decode(_LIKELY, errors="replace")
        where = f"line {line} has the byte 0x{content[exc.start]:02X}"
        raise EncodingError(path, encoding, where, likely=_LIKELY, around=around.strip()) from exc


def _csv(path: Path, text: str, delimiter: str) -> tuple[list[str], list[Row]]:
    csv.field_size_limit(_FIELD)
    records = _records(path, text, delimiter)
    _, columns = next(records)
    _check_columns(path, columns)
    rows = []
    for first, fields in records:
        if not fields:
            continue
        if len(fields) != len(columns):
            fault = f"line {first} has {len(fields)} fields, expected {len(columns)}: a quote or a delimiter too many?"
            raise UnreadableTableError(path, fault)
        rows.append(Row(first, dict(zip(columns, fields, strict=True))))
    return columns, rows


def _records(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The fields of each record, and the number of its first line: quoted fields may go over lines."""
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while (read := reader.line_num) < len(lines):
        try:
            yield read + 1, next(reader)
        except csv.Error as exc:
            begins = read + _line_of_last_field("".join(lines[read : reader.line_num]), delimiter)
            fault = f"the quoted field that begins in line {begins} goes wrong in line {reader.line_num}: {exc}"
            raise UnreadableTableError(path, f"{fault}; is its closing quote missing?") from exc


def _line_of_last_field(record: str, delimiter: str) -> int:
    """In which line of a record, from 1, the field begins with which it cannot be read on."""
    end = re.escape(delimiter)
    sound = re.compile(rf'(?:"(?:[^"]|"")*+"|[^"{end}][^{end}]*+|){end}')
    at = 0
    while field := sound.match(record, at):
        at = field.end()
    return len(_LINE_END.findall(record, 0, at)) + 1


def _json_lines(path: Path, text: str) -> tuple[list[str], list[Row]]:
    columns: dict[str, None] = {}
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise UnreadableTableError(path, f"line {number} is not JSON: {exc}") from exc
        if not isinstance(values, dict):
            raise UnreadableTableError(path, f"line {number} is {type(values).__name__}, expected a JSON object")
        columns.update(dict.fromkeys(values))
        rows.append(Row(number, values))
    return list(columns), rows


def _parquet(path: Path, content: bytes) -> tuple[list[str], list[Row]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(content))
        _check_columns(path, table.column_names)
        return table.column_names, [Row(number, values) for number, values in enumerate(table.to_pylist(), 1)]
    except (pa.ArrowException, OSError, UnicodeDecodeError) as exc:
        raise UnreadableTableError(path, f"it is no whole Parquet file: {exc}") from exc


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise UnreadableTableError(path, f"two of its columns are called {', '.join(map(repr, twice))}")
