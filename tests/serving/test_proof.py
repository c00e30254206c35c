"""What a twin must prove: every recorded answer, all outputs of it, and the same for requests that share a run."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from serving.errors import ProofError
from serving.runtimes.proof import Sample, prove, read_samples
from store.layout import VersionDir
from tests.serving.calls import write_records
from wire import messages
from wire.tensors import Array, write_proto

OUTPUTS = {"double": ["y"]}


def sample(*x: float, signature: str = "double") -> Sample:
    return Sample(signature, {"x": np.array(x)}, {"y": 2 * np.array(x)})


class Twin:
    def __init__(self, wrong_from: int = 1000) -> None:
        """From so many rows on, its first answer is wrong."""
        self.wrong_from = wrong_from
        self.sizes: list[int] = []

    def __call__(self, signature: str, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        y = 2 * inputs["x"]
        self.sizes.append(y.size)
        if y.size >= self.wrong_from:
            y[0] += 1
        return {"y": y}


def test_requests_are_answered_alone_and_together() -> None:
    twin = Twin()
    prove([sample(1), sample(2)], twin, OUTPUTS, 1e-4)
    assert twin.sizes == [1, 1, 2, 3, 8]


@pytest.mark.parametrize(
    ("wrong_from", "what"), [(1, "request 0"), (2, "2 requests in one run"), (8, "8 requests in one run")]
)
def test_a_wrong_answer_alone_or_together_is_seen(wrong_from: int, what: str) -> None:
    with pytest.raises(
        ProofError, match=f"{what} of signature double is answered otherwise than recorded: y differs by"
    ):
        prove([sample(1), sample(2)], Twin(wrong_from), OUTPUTS, 1e-4)


def test_only_requests_that_are_alike_share_a_run() -> None:
    twin = Twin()
    prove([sample(1), Sample("double", {"x": np.array([[1.0]])}, {"y": np.array([[2.0]])})], twin, OUTPUTS, 1e-4)
    assert twin.sizes == [1, 1, 2, 3, 8]


def test_a_request_that_is_no_rows_is_tried_alone() -> None:
    twin = Twin()
    prove([Sample("double", {"x": np.array(1.0)}, {"y": np.array(2.0)})], twin, OUTPUTS, 1e-4)
    assert twin.sizes == [1]


def test_every_output_must_be_in_every_answer() -> None:
    with pytest.raises(ProofError, match=r"request 1 has \['y'\]; expected all outputs of other: \['y', 'z'\]"):
        prove([sample(1), sample(1, signature="other")], Twin(), {**OUTPUTS, "other": ["z", "y"]}, 1e-4)


def test_an_output_that_the_twin_lacks_is_seen() -> None:
    with pytest.raises(ProofError, match="y differs by inf"):
        prove([sample(1)], lambda *_: {}, OUTPUTS, 1e-4)


def test_what_was_proved_is_told() -> None:
    outputs = {**OUTPUTS, "other": ["y"]}
    assert prove([sample(1)], Twin(), outputs, 1e-4) == {"double"}
    assert prove([], Twin(), outputs, 1e-4) == frozenset()


def test_of_a_long_file_a_thousand_requests_are_read(tmp_path: Path) -> None:
    log = messages.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "double"
    write_proto(np.array([1.0]), log.predict_log.request.inputs["x"])
    write_proto(np.array([2.0]), log.predict_log.response.outputs["y"])
    version = VersionDir(tmp_path / "1")
    version.extra.mkdir(parents=True)
    write_records(version.warm_up, [log.SerializeToString()] * 1001)
    assert sum(1 for _ in read_samples(version, ["double"])) == 1000
    assert list(read_samples(version, ["other"])) == []
