"""A row must be answered in company as it is alone; the difference is told, and servers learn the sizes."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.batch_safety import (
    SIZES,
    check_batch_safety,
    check_records_together,
    stranger_for,
    write_batching_parameters,
)
from export.errors import BatchSafetyError
from export.goldens import Answer, Array, CheckedGolden
from export.records import Record
from processing.spec import AudioSpec
from serving.batching.parameters import BatchingParameters
from serving.metrics import Metrics
from serving.opener import Opener
from serving.runtimes.proof import Recorded
from serving.settings import ServeSettings
from store.golden import Golden
from store.layout import VersionDir
from store.manifest import Batching, Manifest

PAD = 0


def golden(name: str, *tokens: int) -> CheckedGolden:
    made = Golden.of(name, "application/json", b"{}", [], 1e-4)
    return CheckedGolden(made, np.array([tokens], np.int32), np.zeros((1, 2), np.float32))


GOLDENS = [golden("short", 5), golden("long", 1, 2, 3, 4), golden("middle", 7, 8)]


def masked(batch: Array) -> Mapping[str, Array]:
    """The mean of the tokens that are not padding."""
    mask = batch != PAD
    return {"y": ((batch * mask).sum(1) / mask.sum(1)).astype(np.float32)}


def unmasked(batch: Array) -> Mapping[str, Array]:
    return {"y": batch.mean(1, dtype=np.float32)}


def normalised(batch: Array) -> Mapping[str, Array]:
    """By the statistics of the batch."""
    first = batch[:, 0].astype(np.float32)
    return {"y": (first - first.mean()) / (first.std() + 1)}


def crowded(batch: Array) -> Mapping[str, Array]:
    """Wrong in the last row of a large batch only."""
    values = batch[:, 0].astype(np.float32)
    values[63:] += 1
    return {"y": values}


def lopsided(batch: Array) -> Mapping[str, Array]:
    return {"y": np.ones(1, np.float32)}


def failing(batch: Array) -> Mapping[str, Array]:
    if len(batch) > 1:
        raise ValueError("one row at a time")
    return {"y": np.ones(1, np.float32)}


def test_a_model_that_masks_its_padding_passes() -> None:
    batching = check_batch_safety(masked, GOLDENS, pad=PAD, stranger=np.arange(1, 10, dtype=np.int32))
    assert batching.sizes == SIZES
    assert batching.largest <= 1e-6
    assert batching.allowed == 1e-4


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (unmasked, r"golden short in a batch of 2 is answered otherwise than alone: y differ by 7\.5e-01, expected at"),
        (normalised, r"golden short in a batch of 2 is answered otherwise than alone: y differ by "),
        (crowded, r"golden short in a batch of 64 is answered otherwise than alone: y differ by 2\.0e-01, expected at"),
        (lopsided, r"golden short in a batch of 2 .* y has shape \[1\], expected 2 rows"),
        (failing, r"golden short in a batch of 2 .* it fails: one row at a time"),
    ],
)
def test_an_answer_that_changes_with_the_company_is_told(answer: Answer, text: str) -> None:
    with pytest.raises(BatchSafetyError, match=text):
        check_batch_safety(answer, GOLDENS, pad=PAD)


def test_goldens_of_one_length_need_a_longer_stranger() -> None:
    alike = [golden("one", 1, 2), golden("two", 3, 4)]
    check_batch_safety(unmasked, alike, pad=PAD)
    with pytest.raises(BatchSafetyError, match=r"golden one in a batch of 2 .* y differ by"):
        check_batch_safety(unmasked, alike, pad=PAD, stranger=np.arange(1, 10, dtype=np.int32))


def test_recordings_of_one_length_are_asked_beside_one_twice_as_long() -> None:
    samples = np.array([[0.5, -0.5, 0.25]], np.float32)
    made = Golden.of("loud", "audio/wav", b"RIFF", [], 1e-4)
    alike = [CheckedGolden(made, samples * loudness, np.zeros((1, 2), np.float32)) for loudness in (1, 2)]
    stranger = stranger_for(AudioSpec(sample_rate=8000), alike)
    assert stranger is not None
    assert stranger.tolist() == [0.5, -0.5, 0.25] * 2
    check_batch_safety(lambda batch: {"y": batch.max(axis=1)}, alike, pad=PAD, stranger=stranger)
    with pytest.raises(BatchSafetyError, match=r"golden loud in a batch of 2 .* y differ by"):
        check_batch_safety(unmasked, alike, pad=PAD, stranger=stranger)


def test_a_single_golden_is_its_own_company() -> None:
    assert check_batch_safety(masked, GOLDENS[:1], pad=PAD).largest == 0


def _records(*lengths: int) -> list[Record]:
    rows = [np.arange(1, length + 1, dtype=np.int32)[np.newaxis] for length in lengths]
    return [Record(f"r{number}", "raw", {"x": row}, {"y": row * 2.0}) for number, row in enumerate(rows)]


def _function(double: Any) -> Any:
    import tensorflow as tf

    def answer(batch: Any) -> Any:
        return {"y": double(tf.cast(batch, tf.float64))}

    return tf.function(answer, input_signature=[tf.TensorSpec([None, None], tf.int32, name="x")], autograph=False)


def test_recorded_requests_of_one_shape_are_asked_together() -> None:
    seen: list[Any] = []
    import tensorflow as tf

    def double(batch: Any) -> Any:
        tf.numpy_function(lambda values: seen.append(values.shape), [batch], [])
        return batch * 2

    check_records_together(_function(double), _records(1, 2, 1, *[2] * 9))
    assert sorted(seen) == [(8, 1), (8, 2), (8, 2)]


def test_a_recorded_answer_that_changes_with_the_company_is_told() -> None:
    import tensorflow as tf

    function = _function(lambda batch: batch * 2 + tf.cast(tf.shape(batch)[0] > 1, tf.float64))
    with pytest.raises(BatchSafetyError, match=r"golden r0 in a batch of 8 .*: y of raw differ by 5\.0e-01, exp"):
        check_records_together(function, _records(1))
    with pytest.raises(BatchSafetyError, match="y of raw differ by inf"):
        check_records_together(_function(lambda batch: batch[:1] * 2), _records(1))


def test_servers_read_what_is_written(tmp_path: Path) -> None:
    path = VersionDir(tmp_path).batching_parameters
    write_batching_parameters(path, Batching(sizes=(2, 8), largest=1e-7, allowed=1e-4))
    found = BatchingParameters.of_version(tmp_path)
    assert found is not None
    assert (found.allowed_batch_sizes, found.max_batch_size) == ((1, 2, 8), 8)
    assert not found.pad_variable_length_inputs


def test_an_export_carries_the_result(exported: Path) -> None:
    batching = Manifest.read(VersionDir(exported).manifest).batching
    assert batching is not None
    assert batching.sizes == SIZES
    assert batching.largest <= batching.allowed
    parameters = BatchingParameters.of_version(exported)
    assert parameters is not None
    assert parameters.allowed_batch_sizes == (1, *SIZES)


def test_a_server_batches_the_export_with_it_and_answers_as_alone(exported: Path) -> None:
    """Five rows, which are filled up to eight."""
    settings = ServeSettings(enable_batching=True, enable_per_model_batching_parameters=True)
    runtime = Opener(settings, Metrics())("m", 1, exported)
    [sample] = islice(Recorded(VersionDir(exported), runtime.signatures), 1)
    [(name, row)] = sample.inputs.items()
    together = runtime.run("serving_default", {name: np.repeat(row, 5, axis=0)}, ["logits"], 60)[0]
    np.testing.assert_allclose(together, np.repeat(sample.outputs["logits"], 5, axis=0), rtol=1e-4, atol=1e-4)
    assert "serving_default" in runtime.facts["batching"].split(", ")
    runtime.close()
