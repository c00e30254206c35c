"""`kmaas serve` as a user starts and ends it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bench.stack import free_port
from tests.support import saved_models
from tests.support.processes import ModelServerProcess, ask, until
from wire.client import ModelServerClient
from wire.errors import ModelServerError


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
        "--store", "store", "--port", str(grpc_port), "--rest_api_port", str(rest_port), folder=tmp_path
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


def test_a_log_without_room_stops_nothing(tmp_path: Path) -> None:
    saved_models.put("plus-2", tmp_path / "plus" / "1")
    with ModelServerProcess(tmp_path, log=Path("/dev/full")) as server, ModelServerClient(server.target) as client:
        until(lambda: answers(client), "it answers")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def answers(client: ModelServerClient) -> bool:
    try:
        return bool(client.predict("plus", {"x": np.zeros(1, "f4")}, timeout_s=30).outputs["y"] == [2])
    except ModelServerError:  # it does not listen yet, or has not loaded yet
        return False


def test_settings_come_from_the_configuration_and_an_option_beats_them(tmp_path: Path) -> None:
    (tmp_path / "kmaas.toml").write_text(f'store = "elsewhere"\n[serve]\nrest_api_port = 0\nport = {free_port()}\n')
    port = free_port()
    with serve("--port", str(port), folder=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"serving {tmp_path / 'elsewhere'} on gRPC 127.0.0.1:{port}\n"
        process.terminate()
        process.communicate(timeout=60)


FAILED = "Failed to start server. Error: "


def refused(folder: Path, *arguments: str) -> str:
    """Why the server did not start, which is all that it says; it ends as tensorflow_model_server does."""
    with serve(*arguments, folder=folder) as process:
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (255, "")
    assert output.startswith(FAILED)
    assert output.count("\n") == 1
    return output.removeprefix(FAILED).rstrip("\n")


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        reason = refused(tmp_path, f"--port={port}", "--rest_api_port=0")
    assert reason.startswith(f"cannot listen on 127.0.0.1 port {port} for the model server's gRPC: Address already in")


@pytest.mark.parametrize(
    ("argument", "words"), [("--surprise", "No such option"), ("--enable_batching=no way", "no way")]
)
def test_flags_that_cannot_be_read_are_told_with_the_usage(tmp_path: Path, argument: str, words: str) -> None:
    with serve(argument, folder=tmp_path) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith("Usage: ")
    assert words in errors


def test_flags_of_tensorflow_serving_that_say_nothing_here_are_taken_with_a_warning(tmp_path: Path) -> None:
    port = free_port()
    arguments = (f"--port={port}", "--rest_api_port=0", "--per_process_gpu_memory_fraction=0.5", "--enable_profiler")
    with serve(*arguments, folder=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving ")
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert "--per_process_gpu_memory_fraction says nothing here" in errors
    assert "--enable_profiler says nothing here" in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host=0.0.0.0",), "--no-auth"),
        (("--port=70000",), "INVALID_ARGUMENT: port: Input should be less than or equal to 65535 (received 70000)"),
        (
            ("--batching_parameters_file=x",),
            "INVALID_ARGUMENT: server_options.batching_parameters_file was set without setting "
            "server_options.enable_batching to true.",
        ),
        (
            tuple(f"--tensorflow_{name}_parallelism=2" for name in ("session", "intra_op", "inter_op")),
            "server_options.tensorflow_session_parallelism",
        ),
        (
            ("--memory_budget_mb=10",),
            "INVALID_ARGUMENT: memory_budget_mb was set without lazy_loading, which it limits",
        ),
        (("--port=0", "--rest_api_port=0"), "INVALID_ARGUMENT: port, grpc_socket_path, local_socket_path and rest"),
        (("--ssl_config_file=nowhere",), "'nowhere': expected a text tensorflow.serving.SSLConfig: "),
        (("--ssl_config_file=garbage",), "'garbage': expected a text tensorflow.serving.SSLConfig: "),
        (("--monitoring_config_file=garbage",), "'garbage': expected a text tensorflow.serving.MonitoringConfig: "),
        (("--grpc_channel_arguments=grpc.x",), "expected k=v,k=v, received 'grpc.x'"),
        (("--local_socket_path=garbage",), "cannot listen on garbage for local: a file that is not a socket is in the"),
        (("--grpc_socket_path=garbage",), "cannot listen on garbage for gRPC: a file that is not a socket is in the"),
    ],
)
def test_what_it_cannot_start_with_is_one_line_and_exit_code_255(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "garbage").write_text("{{{")
    reason = refused(tmp_path, f"--port={free_port()}", f"--rest_api_port={free_port()}", *arguments)
    assert words in reason
    assert "received {" not in reason


def test_rest_is_off_when_grpc_has_its_port(tmp_path: Path) -> None:
    port = free_port()
    with serve(f"--port={port}", f"--rest_api_port={port}", "--max_num_load_retries=-1", folder=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"serving {tmp_path / 'var/store'} on gRPC 127.0.0.1:{port}\n"
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert f"port {port} is gRPC's: REST is off" in errors


@pytest.mark.parametrize("protocol", ["gRPC", "REST"])
def test_it_ends_although_a_request_does_not(tmp_path: Path, protocol: str) -> None:
    saved_models.put("slow", tmp_path / "store" / "slow" / "1")
    port, rest_port = free_port(), free_port()
    url = f"http://127.0.0.1:{rest_port}"
    ports = (f"--port={port}", f"--rest_api_port={rest_port}", "--rest_api_timeout_in_ms=1000000")
    arguments = ("--store=store", *ports, "--drain_seconds=0.1")
    with serve(*arguments, folder=tmp_path) as process, ModelServerClient(f"127.0.0.1:{port}") as client:
        assert process.stdout is not None
        process.stdout.readline()
        asks: dict[str, Callable[[], object]] = {
            "gRPC": lambda: client.predict("slow", {"steps": np.array(10**9, "i4")}, timeout_s=1000),
            "REST": lambda: ask(f"{url}/v1/models/slow:predict", b'{"inputs": {"steps": 1000000000}}'),
        }
        with ThreadPoolExecutor(1) as threads:
            threads.submit(asks[protocol])
            busy = b'kmaas_version_requests_in_flight{model="slow",version="1"} 1'
            until(lambda: busy in ask(f"{url}/monitoring/prometheus/metrics").body, "the request is under way")
            process.terminate()
            try:
                _, errors = process.communicate(timeout=60)
            finally:
                process.kill()
    assert process.returncode == 0
    assert "stopping: requests in flight may end" in errors


@pytest.mark.parametrize("flag", ["--version", "--version=true"])
def test_versions_in_the_form_of_tensorflow_model_server(tmp_path: Path, flag: str) -> None:
    with serve(flag, folder=tmp_path) as process:
        output, _ = process.communicate(timeout=60)
    lines = output.splitlines()
    assert lines[0].startswith("TensorFlow ModelServer: ")
    assert lines[1].startswith("TensorFlow Library: 2.")


def test_a_model_that_does_not_load_ends_it_as_tensorflow_serving_ends(tmp_path: Path) -> None:
    (tmp_path / "m" / "1").mkdir(parents=True)
    ports = ("--port", str(free_port()), "--rest_api_port", "0")
    flags = (f"--model_base_path={tmp_path / 'm'}", "--model_name=m", "--max_num_load_retries=0")
    with serve(*ports, *flags, folder=tmp_path) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 255
    assert output.startswith(
        "Failed to start server. Error: UNKNOWN: 1 servable(s) did not become available: {{name: m version: 1} due to "
        "error: NOT_FOUND: "
    )
    assert "Traceback" not in errors


def test_it_ends_while_its_config_file_hangs(tmp_path: Path) -> None:
    config = tmp_path / "models.config"
    config.write_text("model_config_list {}")
    arguments = ("--model_config_file", str(config), "--model_config_file_poll_wait_seconds", "0.05")
    ports = ("--port", str(free_port()), "--rest_api_port", str(free_port()))
    with serve(*arguments, *ports, folder=tmp_path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        hanging = tmp_path / "hanging"
        os.mkfifo(hanging)
        hanging.replace(config)
        with config.open("wb"):  # returns when somebody reads: the poll
            process.terminate()
            process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_path_of_nothing_is_as_if_it_was_not_given(tmp_path: Path) -> None:
    empty = [
        f"--{name}="
        for name in (
            "model_config_file",
            "ssl_config_file",
            "batching_parameters_file",
            "monitoring_config_file",
            "tensorflow_session_config_file",
        )
    ]
    ports = ("--port", str(free_port()), "--rest_api_port", "0")
    with serve(*empty, *ports, "--model_config_file_poll_wait_seconds=-1", folder=tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving ")
        process.terminate()
        process.communicate(timeout=60)
