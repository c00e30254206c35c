"""Vectors of texts: each text is asked once a round, answers are compared with Keras', peers may be missing."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bench import contestants
from bench.callers import requests_per_s
from bench.comparison import Plan, compare
from bench.contestants import Contestant, embedders
from bench.load import LoadError, Request
from bench.models import BenchModel
from bench.report import markdown
from bench.transport import VECTORS_HTTP, Workload

TEXTS = ["a film", "a bore", "a long and winding road", "no"]


def _vector(text: str) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.array([len(text), text.count("a")], np.float32)


class Embedder:
    """A server of vectors, which remembers the texts of each request; `off` is added to every number."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.off = 0.0
        self.status = 200
        embedder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
                embedder.asked.append(tuple(texts))
                vectors = [base64.b64encode((_vector(text) + np.float32(embedder.off)).tobytes()) for text in texts]
                data = [{"index": number, "embedding": vector.decode()} for number, vector in enumerate(vectors)]
                body = json.dumps({"data": data}).encode()
                self.send_response(embedder.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def contestant(self) -> Contestant:
        return Contestant("embedder", VECTORS_HTTP, "", None, self.address, fits=lambda _: True)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def embedder() -> Iterator[Embedder]:
    server = Embedder()
    yield server
    server.stop()


@pytest.fixture
def model(tmp_path: Path) -> BenchModel:
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    np.save(tmp_path / "answers.npy", np.stack([_vector(text) for text in TEXTS]))
    return BenchModel("embeddings", tmp_path)


def test_each_text_is_asked_once_a_round(embedder: Embedder, model: BenchModel, tmp_path: Path) -> None:
    load = Workload("a text a request", model, "vectors")
    (result,) = compare([embedder.contestant()], [load], Plan((1, 2, 8), 2, 0), tmp_path, lambda _: None)
    assert {number: len(rates) for number, rates in result.rates.items()} == {1: 2, 2: 2}  # 8 callers have 4 texts
    assert sorted(embedder.asked) == sorted([(text,) for text in TEXTS] * (1 + 2 * 3))  # checked, warmed up, measured


def test_several_texts_of_a_request_count_each(embedder: Embedder, model: BenchModel, tmp_path: Path) -> None:
    load = Workload("2 texts a request", model, "vectors", 2)
    results = compare([embedder.contestant()], [load], Plan((1, 8), 1, 0), tmp_path, lambda _: None)
    assert set(embedder.asked) == {tuple(TEXTS[:2]), tuple(TEXTS[2:])}
    table = markdown(results, {}, {}, (1, 8), "Texts")
    row = next(line for line in table.splitlines() if line.startswith("| embedder"))
    assert row.split("|")[3].strip() == ""  # not measured, which is no failure


@pytest.mark.parametrize("texts", [1, 2])
def test_vectors_that_are_others_are_not_timed(
    embedder: Embedder, model: BenchModel, tmp_path: Path, texts: int
) -> None:
    embedder.off = 0.01
    load = Workload("texts", model, "vectors", texts)
    (result,) = compare([embedder.contestant()], [load], Plan((1,), 1, 0), tmp_path, lambda _: None)
    assert result.absent is not None
    assert result.absent.startswith("expected Keras' answer within 0.0001")
    assert len(embedder.asked) == 1


def test_a_request_that_fails_is_no_rate(embedder: Embedder, model: BenchModel) -> None:
    requests = [VECTORS_HTTP.request(embedder.address, Workload("texts", model, "vectors"), case) for case in range(4)]
    assert requests_per_s(requests, concurrency=2) > 0
    embedder.status = 503
    with pytest.raises(LoadError, match="answered 503"):
        requests_per_s(requests, concurrency=2)


def test_a_server_that_is_away_is_no_rate() -> None:
    with pytest.raises(LoadError, match="did not answer"):
        requests_per_s([Request("http://127.0.0.1:1/v1/embeddings", b"{}")], concurrency=1)


def test_peers_without_their_environment_are_missing(
    model: BenchModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contestants, "TORCH_PEERS", tmp_path / "nowhere" / "python")
    peers = [one for one in embedders() if "sentence-transformers" in one.name]
    results = compare(peers, [Workload("texts", model, "vectors")], Plan((1,), 1, 0), tmp_path, lambda _: None)
    missing = f"{tmp_path}/nowhere/python cannot be run: No such file or directory"
    assert [result.absent for result in results] == [missing] * 3


def test_servers_of_vectors_are_asked_for_nothing_else(model: BenchModel) -> None:
    vectors, pictures = Workload("texts", model, "vectors"), Workload("digits-png", model, "picture")
    assert all(one.fits(vectors) and not one.fits(pictures) for one in embedders())
    assert not any(one.fits(vectors) for one in contestants.contestants())
