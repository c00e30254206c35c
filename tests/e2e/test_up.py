"""`kmaas up` as a person meets it: answers, refusals, crashes, Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.footprint import children
from bench.stack import Stack, free_port, running_stack
from tests.support.processes import Answer, Process, ask, until
from tests.support.stacks import pid_of
from tests.support.stores import linked_copy

ROOT = Path(__file__).resolve().parents[2]


def text(inputs: object) -> bytes:
    return json.dumps({"inputs": inputs}).encode()


def test_sentiment_answers(stack: Stack) -> None:
    praised = ask(f"{stack.url}/models/sentiment", text("an unforgettable, wonderful film"))
    assert praised.status == 200
    [[best, _]] = praised.json()
    assert best["label"] == "positive"
    assert best["score"] > 0.8
    assert praised.headers["X-Model"] == "sentiment"
    stages = {part.split(";")[0].strip() for part in praised.headers["Server-Timing"].split(",")}
    assert stages >= {"decode", "preprocess", "infer", "postprocess"}
    [[best, _]] = ask(f"{stack.url}/models/sentiment", text("a dull, lifeless waste of time")).json()
    assert best["label"] == "negative"


def test_a_hand_drawn_digit_is_read(stack: Stack) -> None:
    answer = ask(f"{stack.url}/models/digits", (ROOT / "docs" / "seven.png").read_bytes())
    assert answer.json()[0]["label"] == "7"


def test_the_store_and_the_catalogue_are_listed(stack: Stack) -> None:
    names = {model["name"] for model in stack.get("/models")["models"]}
    assert names >= {"digits", "sentiment"}


def test_a_second_up_on_the_same_store_is_refused(stack: Stack) -> None:
    environment = {**os.environ, "KMAAS_STORE": str(stack.store)}
    second = subprocess.run(
        [sys.executable, "-m", "kmaas", "up"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert "another `kmaas up` runs on" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_taken_port_is_named(stack: Stack, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "KMAAS_STORE": str(tmp_path / "store"),
        "KMAAS_SERVE__PORT": stack.grpc.rpartition(":")[2],
        "KMAAS_SERVE__REST_API_PORT": str(free_port()),
        "KMAAS_GATEWAY__PORT": str(free_port()),
        "KMAAS_GATEWAY__GRPC_PORT": str(free_port()),
    }
    second = subprocess.run(
        [sys.executable, "-m", "kmaas", "up"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert f"port {stack.grpc.rpartition(':')[2]}" in second.stderr
    assert "Address already in use" in second.stderr


def test_an_address_others_can_reach_needs_no_auth(tmp_path: Path) -> None:
    environment = {**os.environ, "KMAAS_STORE": str(tmp_path), "KMAAS_GATEWAY__HOST": "0.0.0.0"}
    refused = subprocess.run(
        [sys.executable, "-m", "kmaas", "up"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 1
    assert "--no-auth" in refused.stderr


def test_a_killed_model_server_is_answered_with_503_and_comes_back(stack: Stack) -> None:
    url = f"{stack.url}/models/sentiment"
    assert ask(url, text("fine")).status == 200
    os.kill(pid_of(stack, "serve"), signal.SIGKILL)
    refused: list[Answer] = []

    def answers_again() -> bool:
        answer = ask(url, text("fine"))
        if answer.status != 200:
            refused.append(answer)
        return bool(refused) and answer.status == 200

    until(answers_again, "the model server is back")
    assert {answer.status for answer in refused} == {503}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)


def test_ctrl_c_stops_everything_cleanly(stack: Stack, tmp_path: Path) -> None:
    with running_stack(linked_copy(stack.store, tmp_path / "store"), ("digits", "sentiment")) as running:
        family = children(running.pid)
        assert len(family) >= 3  # the model server, the gateway and its worker
    # Python's resource tracker sees its pipe close, and ends a moment later.
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), "every process is gone", timeout_s=10)


def test_a_log_without_room_stops_nothing(stack: Stack, tmp_path: Path) -> None:
    """Its greeting, which comes after the stack is ready, finds none."""
    url, environment = place(stack, tmp_path)
    with Process("up", "digits", "sentiment", environment=environment, log=Path("/dev/full")) as up:
        until(lambda: is_ready(url), "the stack is ready")
        for _ in range(200):
            assert ask(f"{url}/models/sentiment", b'{"inputs": "good"}').status == 200
        up.signal(signal.SIGINT)
        assert up.wait() == 0


def test_where_temporary_files_lie_deep(stack: Stack, tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 30)
    deep.mkdir()
    url, environment = place(stack, tmp_path)
    with Process("up", "digits", "sentiment", environment=environment | {"TMPDIR": str(deep)}) as up:
        until(lambda: is_ready(url), "the stack is ready")
        assert ask(f"{url}/models/sentiment", b'{"inputs": "good"}').status == 200
        [socket] = {Path(path) for path in re.findall('server="local:([^"]+)"', ask(f"{url}/metrics").body.decode())}
        assert socket.is_socket()
        up.signal(signal.SIGINT)
        assert up.wait() == 0
    assert not socket.parent.exists()


def place(stack: Stack, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """The address and the environment of another stack, with the same models."""
    ports = {
        name: free_port() for name in ("SERVE__PORT", "SERVE__REST_API_PORT", "GATEWAY__PORT", "GATEWAY__GRPC_PORT")
    }
    settings = {f"KMAAS_{name}": str(port) for name, port in ports.items()}
    store = {"KMAAS_STORE": str(linked_copy(stack.store, tmp_path / "store"))}
    return f"http://127.0.0.1:{ports['GATEWAY__PORT']}", settings | store


def is_ready(url: str) -> bool:
    try:
        return ask(f"{url}/readyz").status == 200
    except OSError:
        return False


@pytest.mark.parametrize("verb", ["up", "add", "train", "evaluate", "export", "publish", "models", "serve", "gateway"])
def test_every_verb_has_help(verb: str) -> None:
    done = subprocess.run([sys.executable, "-m", "kmaas", verb, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage:")
