"""The fresh process notices, in every signature, an answer that is not the recorded one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.errors import ReloadError
from export.records import Record, document_records
from export.reload import check_reload, compare
from store.layout import VersionDir
from store.manifest import Manifest
from wire import messages
from wire.records import read_records
from wire.tensors import from_proto


def _recorded(exported: Path) -> dict[str, Record]:
    """Of each signature the first that the export carries with an answer."""
    found: dict[str, Record] = {}
    for data in read_records(VersionDir(exported).warm_up):
        log = messages.PredictionLog.FromString(data).predict_log
        name = log.request.model_spec.signature_name
        inputs, outputs = (
            {alias: from_proto(proto) for alias, proto in tensors.items()}
            for tensors in (log.request.inputs, log.response.outputs)
        )
        if outputs:
            found.setdefault(name, Record(f"{name}'s", name, inputs, outputs))
    return found


def test_what_was_recorded_is_what_is_answered(exported: Path, tmp_path: Path) -> None:
    told = Manifest.read(VersionDir(exported).manifest).model_copy(update={"files": {}})  # which the graph cannot know
    manifest = document_records({"manifest": told.document()})
    check_reload(exported, tmp_path, [*_recorded(exported).values(), *manifest])


@pytest.mark.parametrize(
    ("signature", "change", "message"),
    [
        ("serving_default", {"logits": 0.01}, r"logits differ by 1\.0e-02, expected at most 1e-05 \(relative\)"),
        ("raw", {"probabilities": 0.01}, r"probabilities differ by 1\.0e-02"),
        ("explain", {"logits": 0.01}, r"logits differ by 1\.0e-02"),
        ("explain", {"label": 1}, "label are not what was written"),
        ("raw", {"logits": np.float64(0)}, r"logits are float32 \(1, \d+\), expected float64 \(1, \d+\)"),
        ("raw", {"other": None}, r"it answers \['logits', 'probabilities'\], expected \['logits', 'other', 'prob"),
    ],
)
@pytest.mark.parametrize("run", ["digits"], indirect=True)
def test_another_answer_is_named(exported: Path, signature: str, change: dict[str, Any], message: str) -> None:
    """By what the fresh process answers to all that was recorded, as the test before this one shows."""
    record = _recorded(exported)[signature]
    [(output, by)] = change.items()
    wrong = np.zeros(1) if by is None else record.outputs[output] + by
    wrong = wrong if by is None or isinstance(by, np.float64) else wrong.astype(record.outputs[output].dtype)
    with pytest.raises(ReloadError, match=f"{signature} of {signature}'s: {message}"):
        compare([replace(record, outputs={**record.outputs, output: wrong})], [record.outputs])


@pytest.mark.parametrize("run", ["digits"], indirect=True)
def test_another_document_is_named(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(ReloadError, match="manifest of card: document are not what was written"):
        check_reload(exported, tmp_path, document_records({"card": b"other"}))


@pytest.mark.parametrize("run", ["digits"], indirect=True)
def test_a_request_that_is_refused_is_told(exported: Path, tmp_path: Path) -> None:
    record = _recorded(exported)["explain"]
    refused = replace(record, inputs={**record.inputs, "label": np.array([99], np.int32)})
    with pytest.raises(ReloadError, match=r"request 0 of signature explain is refused: .*99 is not in"):
        check_reload(exported, tmp_path, [refused])
