"""Answers with labels are compared with what Keras answers."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.models import BenchModel
from bench.transport import GATEWAY_HTTP, PEER_HTTP, Transport, Workload

LOGITS = np.array([[0.0, 2.0, 1.0]], np.float32)
SCORES = dict(zip("abc", np.exp(LOGITS[0]) / np.exp(LOGITS[0]).sum(), strict=True))


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    np.save(tmp_path / "answers.npy", LOGITS)
    (tmp_path / "labels.json").write_text(json.dumps(list(SCORES)))
    (tmp_path / "0.json").write_text('{"inputs": "a film"}')
    return Workload("texts", BenchModel("sentiment", tmp_path), "text")


def _answer(*lines: tuple[str, float]) -> list[dict[str, object]]:
    return [{"label": label, "score": float(score)} for label, score in lines]


@pytest.mark.parametrize("transport", [GATEWAY_HTTP, PEER_HTTP], ids=["gateway", "peer"])
def test_labels_with_their_scores_are_right(workload: Workload, transport: Transport) -> None:
    right = _answer(*((label, SCORES[label]) for label in "bca"))
    for told in (right, [right], right[:2]):
        assert transport.gap(json.dumps(told).encode(), workload, 0) < 1e-6


def test_other_labels_scores_or_orders_are_wrong(workload: Workload) -> None:
    for wrong in (
        _answer(("c", SCORES["b"]), ("b", SCORES["c"])),  # the right scores of other labels
        _answer(("c", SCORES["c"]), ("b", SCORES["b"])),
        _answer(("c", SCORES["c"])),
        _answer(("b", 0.9), ("c", 0.1)),
        _answer(("z", SCORES["b"])),
    ):
        assert GATEWAY_HTTP.gap(json.dumps(wrong).encode(), workload, 0) > 1e-2


def test_a_text_is_sent_as_json(workload: Workload) -> None:
    request = GATEWAY_HTTP.request("127.0.0.1:1", workload, 0)
    assert (request.url, request.body) == ("http://127.0.0.1:1/models/sentiment", b'{"inputs": "a film"}')
    assert request.headers == {"content-type": "application/json"}
