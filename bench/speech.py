"""Recordings to texts: the real-time factor of the stack beside that of faster-whisper with the same weights, in one
interleaved run, and how many words each gets wrong."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
import orjson

from bench.beside import running_peer
from bench.contestants import WHISPER_PEERS
from bench.load import Request, ask
from bench.models import BenchModel, prepared
from bench.recorded import REPEATED, seconds
from bench.stack import running_stack
from training.heard import compared, normalised

OURS = "kmaas up"
BUDGET = 0.5
_PEERS = {"faster-whisper, float32": "float32", "faster-whisper, int8": "int8"}
_TIMEOUT_S = 300
_WAV = {"content-type": "audio/wav"}

Hear = Callable[[bytes], str]


@dataclass(frozen=True)
class Heard:
    """By one server, in one round: a recording's seconds, those that it took, the words that are said, and the errors
    in those that were written."""

    server: str
    recordings: str
    length_s: float
    took_s: float
    words: int
    errors: int


@dataclass(frozen=True)
class _Recording:
    kind: str
    body: bytes
    words: str


def measure(work: Path, rounds: int) -> str:
    """Starts all on the model made under `work`; a table. Raises `LoadError` where one does not answer."""
    model = prepared("transcribe", work)
    *sentences, long = model.bodies
    asked = [_Recording("a sentence a request", *one) for one in zip(sentences, model.texts, strict=True)]
    asked.append(_Recording("one long recording", long, " ".join(model.texts * REPEATED)))
    with ExitStack() as running:
        stack = running.enter_context(running_stack(model.store.resolve(), ("transcribe",)))
        servers: dict[str, Hear] = {OURS: partial(_heard, f"{stack.url}/models/transcribe")}
        if WHISPER_PEERS.exists():
            servers |= {name: _peer(running, model, compute) for name, compute in _PEERS.items()}
        else:
            click.echo(f"faster-whisper is missing: {WHISPER_PEERS} does not exist")
        for hear in servers.values():  # the first of a kind is slow
            hear(long)
        found = [
            _timed(server, hear, recording)
            for _ in range(rounds)
            for recording in asked
            for server, hear in servers.items()
        ]
    return table(found)


def _peer(running: ExitStack, model: BenchModel, compute: str) -> Hear:
    command: list[str | Path] = [WHISPER_PEERS, "-m", "bench.peers.http_faster_whisper", model.checkpoint, compute]
    url = running.enter_context(running_peer(command, lambda url: Request(url, model.bodies[0], _WAV)))
    return partial(_heard, url)


def _heard(url: str, recording: bytes) -> str:
    answer: Mapping[str, str] = orjson.loads(ask(Request(url, recording, _WAV), timeout_s=_TIMEOUT_S))
    return answer["text"]


def _timed(server: str, hear: Hear, of: _Recording) -> Heard:
    began = time.monotonic()
    text = hear(of.body)
    took_s, words = time.monotonic() - began, normalised(of.words)
    return Heard(server, of.kind, seconds(of.body), took_s, len(words), compared(words, normalised(text))[1])


def table(heard: Sequence[Heard]) -> str:
    """A line for each kind of recording and each server, in Markdown: the real-time factor, how many times as long as
    ours it takes, and the words that it gets wrong."""
    lines = ["| recordings | server | real-time factor | times ours | words wrong |", "|---|---|---:|---:|---:|"]
    for kind in dict.fromkeys(one.recordings for one in heard):
        by_server: dict[str, list[Heard]] = {}
        for one in heard:
            if one.recordings == kind:
                by_server.setdefault(one.server, []).append(one)
        ours = _factor(by_server[OURS])
        for server, those in by_server.items():
            wrong = sum(one.errors for one in those) / sum(one.words for one in those)
            factor = _factor(those)
            lines.append(f"| {kind} | {server} | {factor:.3f} | {factor / ours:.2f} | {wrong:.1%} |")
    return "\n".join([*lines, "", f"A real-time factor is time taken by time heard; ours is to be {BUDGET} at most."])


def _factor(heard: Sequence[Heard]) -> float:
    """Of all recordings together, each with its median over the rounds."""
    took: dict[float, list[float]] = {}
    for one in heard:
        took.setdefault(one.length_s, []).append(one.took_s)
    return sum(map(statistics.median, took.values())) / sum(took)
