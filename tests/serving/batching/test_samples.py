"""Rows to try a signature with: a version's own requests where they will do, made up ones where not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.batching.samples import distinct, read_samples
from tests.serving.calls import write_records
from wire import messages
from wire.tensors import Array, write_proto


def log(signature: str = "", **inputs: Array) -> bytes:
    made = messages.PredictionLog()
    request = made.predict_log.request
    request.model_spec.signature_name = signature
    for alias, array in inputs.items():
        write_proto(array, request.inputs[alias])
    serialized: bytes = made.SerializeToString()
    return serialized


def signature(dtype: int, *shape: int) -> Any:
    made = messages.SignatureDef()
    made.inputs["x"].dtype = dtype
    for size in shape:
        made.inputs["x"].tensor_shape.dim.add(size=size)
    return made


def rows(*arrays: Array) -> list[dict[str, Array]]:
    return [{"x": array} for array in arrays]


def test_requests_give_their_rows_with_or_without_answers(tmp_path: Path) -> None:
    path = tmp_path / "requests"
    write_records(path, [log(x=np.array([[1.0], [2.0]])), log("other", x=np.array([3.0])), log(x=np.array(4.0))])
    samples = read_samples(path)
    assert [row["x"].tolist() for row in samples["serving_default"]] == [[[1]], [[2]]]
    assert [row["x"].tolist() for row in samples["other"]] == [[3]]


def test_a_large_request_gives_some_rows_only(tmp_path: Path) -> None:
    write_records(tmp_path / "requests", [log(x=np.arange(100.0)), log(x=np.arange(100.0))])
    assert len(read_samples(tmp_path / "requests")["serving_default"]) == 8


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 9])
def test_a_file_that_cannot_be_read_gives_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "requests").write_bytes(content)
    assert read_samples(tmp_path / "requests") == {}


def test_records_that_are_no_requests_give_none(tmp_path: Path) -> None:
    write_records(tmp_path / "requests", [b"\xff"])
    assert read_samples(tmp_path / "requests") == {}


def test_samples_that_differ_are_used_as_they_are() -> None:
    one, two = np.array([[1.0]]), np.array([[2.0]])
    found = distinct(signature(2, -1, 1), rows(one, two, one, np.array([[3.0, 4.0]])))
    assert [row["x"].tolist() for row in found] == [[[1]], [[2]]]


@pytest.mark.parametrize("sample", [np.zeros((1, 5), "f4"), np.zeros((1, 5), "u1"), np.full((1, 5), b"", object)])
def test_where_samples_do_not_differ_rows_of_their_shape_are_made_up(sample: Array) -> None:
    found = distinct(signature(1, -1, -1), rows(sample, sample))
    assert len(found) == 8
    assert {(row["x"].dtype, row["x"].shape) for row in found} == {(sample.dtype, (1, 5))}
    assert len({tuple(row["x"].ravel().tolist()) for row in found}) == 8


def test_made_up_rows_fit_the_signature_and_are_ever_the_same() -> None:
    first, again = (distinct(signature(3, -1, 4), []) for _ in range(2))
    assert [row["x"].tolist() for row in first] == [row["x"].tolist() for row in again]
    assert all(row["x"].shape == (1, 4) and row["x"].dtype == np.int32 for row in first)


@pytest.mark.parametrize(
    "without", [signature(1), signature(1, 3, 2), signature(21, -1), messages.SignatureDef()],
    ids=["a scalar", "three rows always", "a variant", "no inputs"],
)  # fmt: skip
def test_signatures_without_rows_have_none(without: Any) -> None:
    assert distinct(without, []) == []
