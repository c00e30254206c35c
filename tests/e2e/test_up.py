"""`kmaas up` as a person meets it: answers, refusals, crashes, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.footprint import children
from bench.stack import Stack, free_port, running_stack
from store.layout import Store
from tests.support.asking import Answer, ask


def text(inputs: object) -> bytes:
    return json.dumps({"inputs": inputs}).encode()


def pid_of(stack: Stack, verb: str) -> int:
    for pid in children(stack.pid):
        if Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:4] == [b"-m", b"kmaas", verb.encode()]:
            return pid
    raise AssertionError(f"no `kmaas {verb}` below {stack.pid}")


def test_sentiment_answers(stack: Stack) -> None:
    status, headers, [scores] = ask(f"{stack.url}/models/sentiment", text("an unforgettable, wonderful film"))
    assert status == 200
    assert scores[0]["label"] == "positive"
    assert scores[0]["score"] > 0.8
    assert headers["X-Model"] == "sentiment"
    assert {part.split(";")[0].strip() for part in headers["Server-Timing"].split(",")} >= {
        "decode",
        "preprocess",
        "infer",
        "postprocess",
    }
    _, _, [scores] = ask(f"{stack.url}/models/sentiment", text("a dull, lifeless waste of time"))
    assert scores[0]["label"] == "negative"


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
        "KMAAS_SERVE__GRPC_PORT": stack.grpc.rpartition(":")[2],
        "KMAAS_SERVE__REST_PORT": str(free_port()),
        "KMAAS_GATEWAY__PORT": str(free_port()),
    }
    second = subprocess.run(
        [sys.executable, "-m", "kmaas", "up"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode == 1
    assert f"port {stack.grpc.rpartition(':')[2]}" in second.stderr
    assert "is taken" in second.stderr


def test_an_address_others_can_reach_needs_no_auth(tmp_path: Path) -> None:
    environment = {**os.environ, "KMAAS_STORE": str(tmp_path), "KMAAS_GATEWAY__HOST": "0.0.0.0"}
    refused = subprocess.run(
        [sys.executable, "-m", "kmaas", "up"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == 1
    assert "--no-auth" in refused.stderr


def test_a_killed_model_server_is_answered_with_503_and_comes_back(stack: Stack) -> None:
    url = f"{stack.url}/models/sentiment"
    assert ask(url, text("fine"))[0] == 200
    os.kill(pid_of(stack, "serve"), signal.SIGKILL)
    seen: list[Answer] = []
    while not seen or seen[-1][0] != 200 or all(answer[0] == 200 for answer in seen):
        seen.append(ask(url, text("fine")))
        assert len(seen) < 100_000
    refused = [answer for answer in seen if answer[0] != 200]
    assert {answer[0] for answer in refused} == {503}
    assert all(int(answer[1]["Retry-After"]) >= 1 for answer in refused)
    assert ask(url, text("fine"))[0] == 200


def test_ctrl_c_stops_everything_cleanly(stack: Stack, tmp_path: Path) -> None:
    other = tmp_path / "store"
    for model in ("digits", "sentiment"):
        newest = Store.at(stack.store).version(model)
        (other / model).mkdir(parents=True)
        (other / model / "1").symlink_to(newest.path, target_is_directory=True)
    with running_stack(other, ("digits", "sentiment")) as running:
        family = children(running.pid)
        assert len(family) >= 3  # the model server, the gateway and its worker
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("verb", ["up", "add", "train", "evaluate", "export", "publish", "models", "serve", "gateway"])
def test_every_verb_has_help(verb: str) -> None:
    done = subprocess.run([sys.executable, "-m", "kmaas", verb, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Usage:")
