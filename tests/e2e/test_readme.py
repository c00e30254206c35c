"""Every command of the README, run in order against the stack that its first command starts.

What differs from what a reader does: ports and store are the tests' own, `make test` and its like are only resolved
(they would run these tests), and `docker-compose … up` is only checked, for want of a Docker engine.
"""

import json
import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.stack import Stack, free_port
from tests.support.processes import until
from tests.support.stores import linked_copy

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """Commands, and the JSON that the README shows as their output, if it shows any."""

    language: str
    text: str
    shown: str | None


def blocks() -> list[Block]:
    found = _BLOCK.findall((ROOT / "README.md").read_text())
    follows = [*found[1:], ("", "")]
    return [
        Block(language, text, after if kind == "json" else None)
        for (language, text), (kind, after) in zip(found, follows, strict=True)
        if language != "json"
    ]


def test_the_readme_s_commands_work(stack: Stack, tmp_path: Path) -> None:
    grpc, rest, http = free_port(), free_port(), free_port()
    environment = {
        **os.environ,
        "KMAAS_STORE": str(linked_copy(stack.store, tmp_path / "store")),
        "KMAAS_SERVE__PORT": str(grpc),
        "KMAAS_SERVE__REST_API_PORT": str(rest),
        "KMAAS_GATEWAY__PORT": str(http),
        "KMAAS_GATEWAY__GRPC_PORT": str(free_port()),
        "KMAAS_GATEWAY__ADMIN_PORT": str(free_port()),
        "KMAAS_GATEWAY__STATE": str(tmp_path / "state"),
        "KMAAS_PROMOTION__KEY": str(tmp_path / "key.pem"),
    }
    first, *others = blocks()
    assert first.text == "make up\n"
    with up(environment, f"http://127.0.0.1:{http}"):
        for block in others:
            text = block.text.replace(":8080", f":{http}").replace(":8501", f":{rest}")
            received = run(block.language, text, environment)
            if block.shown is not None:
                assert shape(json.loads(received)) == shape(json.loads(block.shown)), block.text


@contextmanager
def up(environment: Mapping[str, str], url: str) -> Iterator[None]:
    """`make up` in a terminal of its own; left by Ctrl-C."""
    with subprocess.Popen(["make", "up"], cwd=ROOT, env=dict(environment), start_new_session=True) as make:
        try:
            until(lambda: make.poll() is not None or ready(url), "the stack is ready", timeout_s=300)
            assert make.poll() is None
            yield
        finally:
            os.killpg(make.pid, signal.SIGINT)
        make.wait(60)


def ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def run(language: str, text: str, environment: Mapping[str, str]) -> str:
    """The output of a block. Any failing line fails it."""
    interpreters = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [str(ROOT / ".venv/bin/python"), "-c"]}
    if language == "sh":
        text = re.sub(r"^make (?=\w)", "make --dry-run ", text, flags=re.MULTILINE)
        text = re.sub(r"^(docker-compose .*?)up\b.*$", r"\1config", text, flags=re.MULTILINE)
    done = subprocess.run(
        [*interpreters[language], text], cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"{text}\n{done.stdout}{done.stderr}")
    return done.stdout


def shape(document: Any) -> Any:
    """The document without its numbers: another training gives other ones."""
    match document:
        case dict():
            return {key: shape(value) for key, value in document.items()}
        case list():
            return [shape(value) for value in document]
        case bool() | str() | None:
            return document
        case _:
            return type(document).__name__
