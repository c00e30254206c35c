"""`kmaas serve` as a user starts and ends it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bench.stack import free_port
from tests.support import saved_models
from tests.support.processes import ask


def serve(*arguments: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kmaas", "serve", *arguments],
        cwd=folder,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_answers_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    saved_models.put("plus-2", tmp_path / "store" / "plus" / "1")
    grpc_port, rest_port = free_port(), free_port()
    with serve(
        "--store", "store", "--grpc-port", str(grpc_port), "--rest-port", str(rest_port), folder=tmp_path
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line == (
            f"serving {tmp_path / 'store'} on gRPC 127.0.0.1:{grpc_port}, REST http://127.0.0.1:{rest_port}\n"
        )
        answer = ask(f"http://127.0.0.1:{rest_port}/v1/models/plus:predict", b'{"instances": [2]}')
        assert answer.json() == {"predictions": [3.0]}
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_settings_come_from_the_configuration_and_an_option_beats_them(tmp_path: Path) -> None:
    (tmp_path / "kmaas.toml").write_text(f'store = "elsewhere"\n[serve]\nrest_port = 0\ngrpc_port = {free_port()}\n')
    port = free_port()
    with serve("--grpc-port", str(port), folder=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"serving {tmp_path / 'elsewhere'} on gRPC 127.0.0.1:{port}\n"
        process.terminate()
        process.communicate(timeout=60)


def test_a_taken_port_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serve("--grpc-port", str(port), "--rest-port", "0", folder=tmp_path) as process:
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert (
        f"error: cannot listen on 127.0.0.1 port {port} for the model server's gRPC: Address already in use" in errors
    )
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "0.0.0.0"), "--no-auth"),
        (("--grpc-port", "70000"), "65535"),
        (("--poll-interval-s", "0"), "poll_interval_s"),
        (("--surprise",), "No such option"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    with serve(*arguments, folder=tmp_path) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode in (1, 2)
    assert words in errors
    assert "Traceback" not in errors
