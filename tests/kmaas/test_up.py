"""How long `kmaas up` waits for models before it says that the stack is ready."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from kmaas import up


class Gateway(BaseHTTPRequestHandler):
    """Tells of `quick` that it is ready, of `slow` after it was asked a few times."""

    looks: ClassVar[int]

    def do_GET(self) -> None:
        type(self).looks += 1
        models = [
            {"name": "quick", "ready": True, "reason": None},
            {"name": "slow", "ready": self.looks > 3, "reason": "version 1 is LOADING"},
        ]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"models": models}).encode())

    def log_message(self, format: str, *_args: object) -> None:  # noqa: A002 (as it is called)
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Gateway.looks = 0
    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("asked", "late"), [("quick", {"slow": "version 1 is LOADING"}), ("slow", {})])
def test_what_was_asked_for_is_waited_for_longer(
    url: str, monkeypatch: pytest.MonkeyPatch, asked: str, late: dict[str, str]
) -> None:
    monkeypatch.setattr(up, "_PATIENCE_S", -1.0)
    found = up._wait_until_ready(url, {"quick", "slow"}, {asked}, (), threading.Event())
    assert found == late
