"""The lines about texts that are written at once, and a short run with a real stack and a real peer."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from bench import conversations
from bench.conversations import Rates, check_logits, first_tokens, lines, measure
from bench.load import LoadError
from bench.models import BenchModel, prepared
from store.layout import VersionDir
from store.manifest import Manifest

LOGITS = np.array([[0.5, -2.0, 1.0], [1.0, 0.0, 0.25]], np.float32)


def test_ratios_are_taken_within_a_round() -> None:
    one, sixteen = lines([Rates(1, 10, 20), Rates(16, 90, 10), Rates(1, 30, 10), Rates(16, 60, 20), Rates(1, 5, 5)])
    assert "1 texts at once   kmaas up    10.0 tokens/s   keras-hub generate    10.0 tokens/s   ratio  1.00" in one
    assert "ratio  6.00   budget ≥ 4" in sixteen


def test_each_peer_has_a_line() -> None:
    both = lines([Rates(4, 30, 10), Rates(4, 30, 15, "transformers generate")])
    assert [line.split()[-1] for line in both] == ["3.00", "2.00"]
    assert "transformers generate    15.0 tokens/s" in both[1]


def test_the_first_token_is_the_median_of_the_rounds() -> None:
    told = first_tokens([{"a": 0.5, "b": 2.0}, {"a": 0.1, "b": 1.0}, {"a": 0.2, "b": 3.0}])
    assert told == ["first token of one text   a   200.0 ms", "first token of one text   b  2000.0 ms"]


@pytest.fixture
def model(tmp_path: Path) -> BenchModel:
    np.save(tmp_path / "rows.npy", np.array([[0, 1], [2, 1]], np.int32))
    np.save(tmp_path / "answers.npy", LOGITS)
    return BenchModel("poet", tmp_path)


@pytest.fixture(params=[0.0, 0.01], ids=["the same", "others"])
def peer(request: pytest.FixtureRequest) -> Iterator[tuple[str, float]]:
    """A server that answers `LOGITS` by the first token, so much off; and how much."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            first = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["token_ids"][0]
            logits = LOGITS[first // 2] + np.float32(request.param)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"logits": logits.tolist()}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", request.param
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_peer_with_other_logits_is_not_timed(peer: tuple[str, float], model: BenchModel) -> None:
    url, off = peer
    if not off:
        check_logits(url, model)
        return
    with pytest.raises(LoadError, match="expected Keras' logits"):
        check_logits(url, model)


def test_texts_are_written_by_both(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "TORCH_PEERS", tmp_path / "nowhere")
    measure(tmp_path, 1, conversations=(2,), tokens=4)
    told = capfd.readouterr().out
    assert "  2 texts at once   kmaas up" in told
    assert "first token of one text   kmaas up" in told
    assert f"transformers generate is missing: {tmp_path}/nowhere does not exist" in told
    _check_checkpoint(prepared("poet", tmp_path))


def _check_checkpoint(model: BenchModel) -> None:
    """Its weights are those of the version, by the names that PyTorch has for them, and none twice."""
    config = json.loads((model.checkpoint / "config.json").read_text())
    weights = load_file(model.checkpoint / "model.safetensors")
    assert weights["transformer.h.5.attn.c_attn.weight"].shape == (config["n_embd"], 3 * config["n_embd"])
    assert sum(array.size for array in weights.values()) == Manifest.read(VersionDir(model.version).manifest).parameters
    assert len(weights) == 4 + 12 * config["n_layer"]
