"""Which addresses may be bound without accounts."""

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from bench.stack import free_port
from kmaas.binding import check_bind
from kmaas.errors import OpenAddressError
from tests.support.processes import until


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_loopback_is_allowed(host: str) -> None:
    check_bind(host, no_auth=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "example.test", ""])
def test_other_addresses_need_no_auth(host: str) -> None:
    with pytest.raises(OpenAddressError, match="--no-auth"):
        check_bind(host, no_auth=False)
    check_bind(host, no_auth=True)


@pytest.mark.parametrize("verb", ["serve", "gateway", "up"])
def test_every_server_asks_for_no_auth(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMAAS_STORE", str(tmp_path))
    monkeypatch.setenv("KMAAS_SERVE__HOST", "0.0.0.0")
    monkeypatch.setenv("KMAAS_GATEWAY__HOST", "0.0.0.0")
    done = subprocess.run(
        [sys.executable, "-m", "kmaas", verb], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == (255 if verb == "serve" else 1)
    assert "--no-auth" in done.stderr + done.stdout


def test_no_auth_is_enough() -> None:
    port = free_port()
    ports = ["--port", str(port), "--grpc-port", "0"]
    command = [sys.executable, "-m", "kmaas", "gateway", "--host", "0.0.0.0", *ports, "--no-auth"]
    with subprocess.Popen(command) as gateway:
        try:
            until(lambda: alive(gateway, port), "the gateway answers")
        finally:
            gateway.terminate()


def alive(process: "subprocess.Popen[bytes]", port: int) -> bool:
    assert process.poll() is None, "the gateway ended"
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
