"""A user's own file: each form is read alike, and what is wrong with one is said in a line."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from training.data.table import read_table
from training.errors import DataError, EncodingError, MissingColumnError, UnreadableTableError

ROWS = [{"text": "a “good” film,\nreally", "label": "good"}, {"text": "café", "label": "bad"}]
CSV = 'text,label\n"a “good” film,\nreally",good\ncafé,bad\n'


def _written(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", CSV.encode()),
        ("rows.CSV", CSV.replace("\n", "\r\n").replace("film,\r\n", "film,\n").encode()),
        ("rows.tsv", CSV.replace(",", "\t").replace("film\t", "film,").encode()),
        ("rows.jsonl", "\n\n".join(json.dumps(row) for row in ROWS).encode()),
    ],
)
def test_forms_of_text(tmp_path: Path, name: str, content: bytes) -> None:
    table = read_table(_written(tmp_path, name, content))
    assert list(table.columns) == ["text", "label"]
    assert [dict(row.values) for row in table.rows] == ROWS
    assert table.encoding == "utf-8"


def test_a_row_has_the_number_of_its_first_line(tmp_path: Path) -> None:
    assert [row.number for row in read_table(_written(tmp_path, "rows.csv", CSV.encode())).rows] == [2, 4]
    lines = b'{"text": "a"}\n\n{"text": "b"}\n'
    assert [row.number for row in read_table(_written(tmp_path, "rows.jsonl", lines)).rows] == [1, 3]


def test_parquet(tmp_path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet")
    table = read_table(tmp_path / "rows.parquet")
    assert [dict(row.values) for row in table.rows] == ROWS
    assert table.encoding is None
    damaged = (tmp_path / "rows.parquet").read_bytes()[:-20]
    with pytest.raises(UnreadableTableError, match="no whole Parquet file"):
        read_table(_written(tmp_path, "damaged.parquet", damaged))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    table = read_table(_written(tmp_path, "rows.csv", CSV.encode(encoding)))
    assert list(table.columns) == ["text", "label"]  # without the mark
    assert table.rows[1].values["text"] == "café"
    assert table.encoding == encoding


def test_another_encoding_is_named_never_guessed(tmp_path: Path) -> None:
    path = _written(tmp_path, "rows.csv", CSV.encode("windows-1252"))
    with pytest.raises(EncodingError) as caught:
        read_table(path)
    said = str(caught.value)
    assert "is not utf-8: line 2 has the byte 0x93" in said
    assert "--encoding windows-1252" in said
    assert "“good” film" in said
    assert read_table(path, encoding="windows-1252").rows[1].values["text"] == "café"
    with pytest.raises(DataError, match="no encoding 'utf-9'"):
        read_table(path, encoding="utf-9")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.xlsx", b"", r"ends in \.xlsx, expected \.csv, \.tsv, \.jsonl, \.ndjson, \.parquet"),
        ("rows", b"", "ends in nothing"),
        ("rows.csv", b"text,label\na,b,c\n", "line 2 has 3 fields, expected 2"),
        (
            "rows.csv",
            b'text,label\n"a,b\nc,d\ne,f\n',
            "the quoted field that begins in line 2 goes wrong in line 4: unexp",
        ),
        (
            "rows.csv",
            b'label,text\n"a\r\n""b"",",c\n,"d,\re","f\n"",g\nh,"i',
            "begins in line 5 goes wrong in line 7: '",
        ),
        ("rows.csv", b'text,label\n"a,b\nc,"d", e\n', "begins in line 2 goes wrong in line 3: ',' expected"),
        ("rows.tsv", b'text\tlabel\n"a"\t\t"b\n', "begins in line 2"),
        ("rows.csv", b"", "the file is empty"),
        ("rows.jsonl", "\ufeff \n".encode(), "the file is empty"),
        ("rows.csv", b"text,text\na,b\n", "two of its columns are called 'text'"),
        ("rows.jsonl", b'{"text": 1}\n{"text"', "line 2 is not JSON"),
        ("rows.jsonl", b"[1]", "line 1 is list, expected a JSON object"),
        ("rows.jsonl", b"[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    with pytest.raises(UnreadableTableError, match=said):
        read_table(_written(tmp_path, name, content))
    with pytest.raises(UnreadableTableError, match="No such file"):
        read_table(tmp_path / "none.csv")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    table = read_table(_written(tmp_path, "rows.csv", CSV.encode()))
    with pytest.raises(MissingColumnError, match=r"no column 'texts', 'kind'; the columns are 'text', 'label'$"):
        table.require("texts", "label", "kind")
    other = read_table(_written(tmp_path, "rows.csv", b"text;label\na;b\n"))
    with pytest.raises(MissingColumnError, match="the columns are 'text;label'; is there another --delimiter"):
        other.require("text")
    assert read_table(tmp_path / "rows.csv", delimiter=";").rows[0].values == {"text": "a", "label": "b"}


def test_an_enormous_field_is_read(tmp_path: Path) -> None:
    table = read_table(_written(tmp_path, "rows.csv", b"text\n" + b"a" * 300_000 + b"\n"))
    assert len(table.rows[0].values["text"]) == 300_000
