"""What a version must prove: every recorded answer, all outputs of it, and the same for requests that share a run."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from serving.errors import Code, ProofError, RequestError
from serving.runtimes.proof import Recorded, Sample, prove
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


def test_samples_of_signatures_that_are_not_asked_are_passed_over() -> None:
    twin = Twin()
    samples = [sample(1, signature="other"), sample(1)]
    assert prove(samples, twin, OUTPUTS, 1e-4) == {"double"}
    with pytest.raises(ProofError, match="request 1 of signature double"):
        prove(samples, Twin(wrong_from=1), OUTPUTS, 1e-4)


def test_a_request_that_is_refused_is_named() -> None:
    def refusing(_signature: str, _inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        raise RequestError(Code.INVALID_ARGUMENT, "no picture")

    with pytest.raises(RequestError, match="request 0 of signature double is not answered: no picture") as caught:
        prove([sample(1)], refusing, OUTPUTS, 1e-4)
    assert caught.value.code is Code.INVALID_ARGUMENT


# --- What is recorded


def _log(signature: str = "double", *, answered: bool = True) -> bytes:
    log = messages.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    write_proto(np.array([1.0]), log.predict_log.request.inputs["x"])
    if answered:
        write_proto(np.array([2.0]), log.predict_log.response.outputs["y"])
    serialized: bytes = log.SerializeToString()
    return serialized


def _recorded(folder: Path, *logs: bytes) -> Recorded:
    version = VersionDir(folder / "1")
    write_records(version.warm_up, logs)
    return Recorded(version, ["double", "other", "serving_default"])


def test_requests_with_an_answer_are_counted_by_their_signature(tmp_path: Path) -> None:
    recorded = _recorded(tmp_path, _log(), _log("other"), _log(""), _log(answered=False), _log("gone", answered=False))
    for _ in range(2):
        assert [found.signature for found in recorded] == ["double", "other", "serving_default"]
        assert recorded.found == {"double": 1, "other": 1, "serving_default": 1}
    recorded.check_complete(3)


@pytest.mark.parametrize(
    ("logs", "text"),
    [
        (
            [_log(), _log(), _log("other")],
            r"3 recorded answers were found \(2 of double, 1 of other\), the manifest prom",
        ),
        ([], "0 recorded answers were found, the manifest promises 4"),
    ],
)
def test_missing_ones_are_noticed(tmp_path: Path, logs: list[bytes], text: str) -> None:
    recorded = _recorded(tmp_path, *logs)
    assert len(list(recorded)) == len(logs)
    with pytest.raises(ProofError, match=text):
        recorded.check_complete(4)


def test_an_answer_of_a_signature_that_is_gone_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(ProofError, match="an answer of signature gone is recorded, which the version does not have"):
        list(_recorded(tmp_path, _log(), _log("gone")))


def test_of_a_long_file_a_thousand_requests_are_read(tmp_path: Path) -> None:
    assert sum(1 for _ in _recorded(tmp_path, *[_log()] * 1001)) == 1000
