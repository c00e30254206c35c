"""The model server and the gateway as the verbs look at them: what is not there, late, or of another store."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from bench.stack import free_port
from gateway.settings import Limits
from kmaas.live import LiveServer, gateway_follows
from store.layout import VersionDir

IMPATIENT_S = 0.05
NOBODY = "127.0.0.1:1"


def test_nobody_answers() -> None:
    with LiveServer(NOBODY, Limits(), IMPATIENT_S) as live:
        seen = live.prove("digits", VersionDir(Path("1")), "sha256:x")
        assert seen.fault == f"no model server answers at {NOBODY} (UNAVAILABLE); start one: `kmaas serve`"
        assert (seen.goldens, seen.latencies_ms) == (0, ())
        followed = live.follows("digits", "stable", 1, time.perf_counter())
        assert str(followed) == f"the model server at {NOBODY} does not answer (UNAVAILABLE)"
        assert live.states("digits") == {}
    there = gateway_follows(f"http://127.0.0.1:{free_port()}", "digits", 1, since=0, patience_s=IMPATIENT_S)
    assert there is None


class Gateway(BaseHTTPRequestHandler):
    """Tells the versions of its models as the gateway does; `digits` gets its version 2 at the third question."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status = {"/models/digits": 200, "/models/broken": 500}.get(self.path, 404)
        body = json.dumps({"version": 2 if len(self.asked) > 2 else None}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Gateway.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_gateway_is_asked_until_it_follows(url: str) -> None:
    followed = gateway_follows(url, "digits", 2, since=time.perf_counter(), patience_s=30)
    assert followed is not None
    assert (followed.who, followed.fault, len(Gateway.asked)) == (f"the gateway at {url}", None, 3)
    late = gateway_follows(url, "digits", 9, since=time.perf_counter(), patience_s=IMPATIENT_S)
    assert str(late) == f"the gateway at {url} does not follow within 0.05 s"


def test_a_gateway_for_other_models_is_none_and_a_broken_one_is_told(url: str) -> None:
    assert gateway_follows(url, "other", 1, since=0, patience_s=IMPATIENT_S) is None
    broken = gateway_follows(url, "broken", 1, since=0, patience_s=IMPATIENT_S)
    assert str(broken) == f"the gateway at {url} answers 500"
