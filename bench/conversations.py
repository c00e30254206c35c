"""Texts that are written at the same time: tokens per second and the time to the first token, beside keras-hub's
`generate` in a plain Flask application, in one interleaved run."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import orjson

from bench.contestants import OURS, ROOT
from bench.listeners import Listeners
from bench.load import LoadError, Request, ask
from bench.models import prepared
from bench.stack import Stack, free_port, running_stack

CONVERSATIONS = (1, 4, 16)
_PROMPT_TOKENS = 16
_TOKENS = 64
_BUDGET = 4.0
_STARTS_WITHIN_S = 300
_TIMEOUT_S = 300
_JSON = {"content-type": "application/json"}

Write = Callable[[int], object]
"""Writes the text of that number to its end."""


@dataclass(frozen=True)
class Rates:
    """Tokens per second of the stack and of the peer in one round, so many texts at once."""

    texts: int
    ours: float
    theirs: float


def measure(work: Path, rounds: int, conversations: Sequence[int] = CONVERSATIONS, tokens: int = _TOKENS) -> None:
    """Starts both on a GPT-2 made under `work`, and prints tokens per second and ratios."""
    model = prepared("poet", work)
    with running_stack(model.store.resolve(), ("poet",)) as stack, _peer() as peer:

        def ours(number: int) -> object:
            return ask(_ours(stack, number, tokens, stream=False), timeout_s=_TIMEOUT_S)

        def theirs(number: int) -> object:
            body = orjson.dumps({"token_ids": [ord(letter) for letter in _prompt(number)], "tokens": tokens})
            return ask(Request(f"{peer}/generate", body, _JSON), timeout_s=_TIMEOUT_S)

        for write in (ours, theirs):  # the first of a kind is slow
            _rate(write, max(conversations), tokens)
        found = [
            Rates(texts, _rate(ours, texts, tokens), _rate(theirs, texts, tokens))
            for _ in range(rounds)
            for texts in conversations
        ]
        first = statistics.median(_first_token_s(stack, tokens) for _ in range(rounds))
    click.echo("\n".join([*lines(found), f"first token of one text    {first * 1000:7.1f} ms"]))


def lines(rates: Sequence[Rates]) -> list[str]:
    """For each number of texts the medians over the rounds, and that of the ratio within a round."""
    told = []
    for texts in sorted({rate.texts for rate in rates}):
        rounds = [rate for rate in rates if rate.texts == texts]
        ours, theirs = (statistics.median(side) for side in zip(*((r.ours, r.theirs) for r in rounds), strict=True))
        ratio = statistics.median(rate.ours / rate.theirs for rate in rounds)
        budget = f"   budget ≥ {_BUDGET:.0f}" if texts == max(CONVERSATIONS) else ""
        told.append(
            f"{texts:3} texts at once   kmaas up {ours:7.1f} tokens/s   keras-hub generate {theirs:7.1f} tokens/s   "
            f"ratio {ratio:5.2f}{budget}"
        )
    return told


def _prompt(number: int) -> str:
    return f"{number:0{_PROMPT_TOKENS}}"


def _ours(stack: Stack, number: int, tokens: int, *, stream: bool) -> Request:
    body = {"inputs": _prompt(number), "parameters": {"max_new_tokens": tokens}, "stream": stream}
    return Request(f"{stack.url}/models/poet", orjson.dumps(body), _JSON)


def _rate(write: Write, texts: int, tokens: int) -> float:
    with ThreadPoolExecutor(texts) as pool:
        began = time.monotonic()
        list(pool.map(write, range(texts)))
        return texts * tokens / (time.monotonic() - began)


def _first_token_s(stack: Stack, tokens: int) -> float:
    began = time.monotonic()
    with Listeners(_ours(stack, 0, tokens, stream=True), 1):  # ready once each has had its first event
        return time.monotonic() - began


@contextmanager
def _peer() -> Iterator[str]:
    """The address of a running `bench.peers.poet`."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([OURS, "-m", "bench.peers.poet", str(port)], cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        body = orjson.dumps({"token_ids": [1] * _PROMPT_TOKENS, "tokens": _TOKENS})
        while True:
            try:
                ask(Request(f"{url}/generate", body, _JSON), timeout_s=_TIMEOUT_S)
                break
            except LoadError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)  # another process: that it listens can only be tried
        yield url
    finally:
        process.terminate()
        process.wait(30)
