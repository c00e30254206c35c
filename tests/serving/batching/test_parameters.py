"""The text file of batching parameters: defaults, and what is refused in TensorFlow Serving's words."""

from pathlib import Path

import pytest

from serving.batching.parameters import BatchingParameters
from serving.errors import Code, LoadError


def read(tmp_path: Path, text: str) -> BatchingParameters:
    path = tmp_path / "batching.config"
    path.write_text(text)
    return BatchingParameters.read(path)


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    parameters = read(tmp_path, "")
    assert parameters == BatchingParameters()
    assert (parameters.max_batch_size, parameters.batch_timeout_micros, parameters.max_enqueued_batches) == (
        1000,
        0,
        10,
    )
    assert parameters.num_batch_threads >= 1
    assert parameters.execution_limit == 1000


def test_every_parameter(tmp_path: Path) -> None:
    parameters = read(
        tmp_path,
        """
        max_batch_size { value: 8 }
        batch_timeout_micros { value: 1000 }
        max_enqueued_batches { value: 3 }
        num_batch_threads { value: 2 }
        thread_pool_name { value: "pool" }
        allowed_batch_sizes: 2
        allowed_batch_sizes: 4
        allowed_batch_sizes: 8
        pad_variable_length_inputs: true
        enable_large_batch_splitting { value: true }
        max_execution_batch_size { value: 4 }
        """,
    )
    assert parameters == BatchingParameters(8, 1000, 3, 2, "pool", (2, 4, 8), True, True, 4)
    assert parameters.execution_limit == 4
    assert [parameters.filled_up(rows) for rows in (1, 2, 3, 4)] == [2, 2, 4, 4]


def test_filling_up_never_makes_a_run_larger_than_runs_may_be() -> None:
    split = BatchingParameters(
        max_batch_size=8, allowed_batch_sizes=(2, 8), enable_large_batch_splitting=True, max_execution_batch_size=3
    )
    assert [split.filled_up(rows) for rows in (1, 2, 3)] == [2, 2, 3]
    assert BatchingParameters(max_batch_size=8, allowed_batch_sizes=(2, 8)).filled_up(3) == 8


def test_execution_is_limited_only_where_large_calls_are_split() -> None:
    assert BatchingParameters(max_batch_size=8, max_execution_batch_size=4).execution_limit == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_batch_threads { value: 0 }", "num_batch_threads must be positive; was 0"),
        ("max_batch_size { value: 0 }", "input_batch_size_limit must be positive; was 0"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be non-negative; was -1"),
        ("max_enqueued_batches { value: 0 }", "max_enqueued_batches must be positive; was 0"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: [2, 4]",
         "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 4; expected 8"),
        ("allowed_batch_sizes: 8",
         "Last entry in allowed_batch_sizes must match max_batch_size; last entry was 8; expected 1000"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: [4, 2, 8]",
         "allowed_batch_sizes entries must be monotonically increasing"),
        ("max_batch_size { value: 8 } allowed_batch_sizes: [0, 8]",
         "allowed_batch_sizes entries must be monotonically increasing"),
        ("max_batch_size { value: 8 } enable_large_batch_splitting { value: true } "
         "max_execution_batch_size { value: 9 }",
         "When enable_large_batch_splitting is true, input_batch_size_limit must be greater than or equal to "
         "max_execution_batch_size. They were 8 and 9"),
        ("enable_large_batch_splitting { value: true } max_execution_batch_size { value: 0 }",
         "When enable_large_batch_splitting is true, input_batch_size_limit must be greater than or equal to "
         "max_execution_batch_size. They were 1000 and 0"),
    ],
)  # fmt: skip
def test_values_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        read(tmp_path, text)
    assert (caught.value.code, caught.value.message) == (Code.INVALID_ARGUMENT, message)


@pytest.mark.parametrize("text", ["max_batch_size: 8", "unknown: 1", "}", "\xff\xfe"])
def test_files_that_are_not_the_message(tmp_path: Path, text: str) -> None:
    path = tmp_path / "batching.config"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(LoadError, match=r"Invalid protobuf file: '.*batching\.config': ") as caught:
        BatchingParameters.read(path)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="none; No such file") as caught:
        BatchingParameters.read(tmp_path / "none")
    assert caught.value.code is Code.NOT_FOUND


def test_a_version_brings_its_own_or_none(tmp_path: Path) -> None:
    assert BatchingParameters.of_version(tmp_path) is None
    (tmp_path / "batching_params.pbtxt").write_text("max_batch_size { value: 5 }")
    assert BatchingParameters.of_version(tmp_path) == BatchingParameters(max_batch_size=5)
