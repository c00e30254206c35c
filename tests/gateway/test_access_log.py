"""The access log: a line for each request, and nothing of what it carries."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter

from bench.stack import free_port
from gateway.access_log import AccessLog
from gateway.trace import Trace
from tests.support.processes import ModelServerProcess, ask, until
from tests.support.small_models import picture


@pytest.fixture
def dropped() -> Counter:
    return Counter("dropped", "", registry=CollectorRegistry())


def write(log: AccessLog, path: str = "/models/m") -> None:
    log.write(Trace("id-1"), client="::1", method="POST", path=path, dialect="native", status=200, bytes_out=3)


def test_a_line_is_json_and_has_no_control_characters(dropped: Counter) -> None:
    stream = StringIO()
    log = AccessLog(dropped, stream)
    write(log, "/models/\x1b[31m\n\x9b" + "x" * 1000)
    log.close()
    [line] = stream.getvalue().splitlines()
    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    assert told["path"].startswith("/models/\x1b[31m\n\x9bx")
    assert len(told["path"]) == 256
    assert (told["request_id"], told["status"], told["bytes_out"], told["client"]) == ("id-1", 200, 3, "::1")


@pytest.fixture
def logging_gateway(model_server: ModelServerProcess) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    port = free_port()
    command = [sys.executable, "-m", "kmaas", "gateway", "--port", str(port), "--model-server", model_server.target]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return ask(f"{url}/readyz").status == 200
        except OSError:
            return False

    until(ready, "the gateway is ready")
    yield url, process
    process.kill()
    process.wait()


def test_each_request_has_a_line_and_no_secret_is_in_any(
    logging_gateway: tuple[str, "subprocess.Popen[str]"],
) -> None:
    url, process = logging_gateway
    secret = "canary-5e3b"
    text = json.dumps({"inputs": f"good {secret}"}).encode()
    asked = ask(
        f"{url}/models/sentiment?key={secret}", text, {"Authorization": f"Bearer {secret}", "X-Request-Id": "r1"}
    )
    assert asked.status == 200
    assert ask(f"{url}/models/sentiment", f'{{"inputs": {secret}'.encode(), {"X-Request-Id": "r2"}).status == 400
    assert ask(f"{url}/models/digits", picture(), {"X-Request-Id": "r3"}).status == 200
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert secret not in out + err
    lines: dict[str, Any] = {line["request_id"]: line for line in map(json.loads, out.splitlines())}
    assert [lines[name]["status"] for name in ("r1", "r2", "r3")] == [200, 400, 200]
    assert (lines["r1"]["model"], lines["r1"]["version"], lines["r1"]["dialect"]) == ("sentiment", 1, "huggingface")
    assert lines["r1"]["bytes_in"] == len(text)
    assert lines["r3"]["stages_ms"].keys() == {"receive", "queue", "decode", "preprocess", "infer", "postprocess"}
    assert lines["r3"]["ms"] >= lines["r3"]["stages_ms"]["infer"] > 0
