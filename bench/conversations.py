"""Texts that are written at the same time: tokens per second and the time to the first token, beside keras-hub's
`generate` and that of `transformers`, each in a plain Flask application, in one interleaved run."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import orjson

from bench.beside import running_peer
from bench.contestants import OURS, TORCH_PEERS
from bench.listeners import Listeners
from bench.load import LoadError, Request, ask
from bench.models import BenchModel, prepared
from bench.stack import Stack, running_stack

CONVERSATIONS = (1, 4, 16)
_PROMPT_TOKENS = 16
_TOKENS = 64
_BUDGET = 4.0
_CLOSE = 1e-4  # of logits, as a part of the largest
_KERAS, _TRANSFORMERS = "keras-hub generate", "transformers generate"
_TIMEOUT_S = 300
_JSON = {"content-type": "application/json"}

Write = Callable[[int], object]
"""Writes the text of that number to its end."""


@dataclass(frozen=True)
class Rates:
    """Tokens per second of the stack and of a peer in one round, so many texts at once."""

    texts: int
    ours: float
    theirs: float
    peer: str = _KERAS


def measure(work: Path, rounds: int, conversations: Sequence[int] = CONVERSATIONS, tokens: int = _TOKENS) -> None:
    """Starts all on a GPT-2 made under `work`, and prints tokens per second and ratios.

    Raises:
        LoadError: one does not answer; or `transformers` makes other logits of the same weights.
    """
    model = prepared("poet", work)
    with ExitStack() as running:
        stack = running.enter_context(running_stack(model.store.resolve(), ("poet",)))
        peers = {_KERAS: running.enter_context(running_peer([OURS, "-m", "bench.peers.poet"], _begin))}
        if TORCH_PEERS.exists():
            command = [str(TORCH_PEERS), "-m", "bench.peers.flask_transformers", str(model.checkpoint)]
            peers[_TRANSFORMERS] = running.enter_context(running_peer(command, _begin))
            check_logits(peers[_TRANSFORMERS], model)
        else:
            click.echo(f"{_TRANSFORMERS} is missing: {TORCH_PEERS} does not exist")

        def ours(number: int) -> object:
            return ask(_ours(stack, number, tokens, stream=False), timeout_s=_TIMEOUT_S)

        writes = {name: _writing(peer, tokens) for name, peer in peers.items()}
        for write in (ours, *writes.values()):  # the first of a kind is slow
            _rate(write, max(conversations), tokens)
        found = [
            rates for _ in range(rounds) for texts in conversations for rates in _round(texts, tokens, ours, writes)
        ]
        asked = {"kmaas up": _ours(stack, 0, tokens, stream=True)}
        if _TRANSFORMERS in peers:
            asked[_TRANSFORMERS] = _theirs(peers[_TRANSFORMERS], 0, tokens, stream=True)
        firsts = [{name: _first_token_s(request) for name, request in asked.items()} for _ in range(rounds)]
    click.echo("\n".join([*lines(found), *first_tokens(firsts)]))


def check_logits(peer: str, model: BenchModel) -> None:
    """Raises `LoadError` when the peer's logits are not those of Keras."""
    for row, expected in zip(model.rows, model.answers, strict=True):
        body = orjson.dumps({"token_ids": row[0].tolist()})
        found = np.array(orjson.loads(ask(Request(f"{peer}/logits", body, _JSON), timeout_s=_TIMEOUT_S))["logits"])
        gap = np.abs(found - expected[0]).max() / np.abs(expected[0]).max()
        if not gap <= _CLOSE:
            raise LoadError(
                f"expected Keras' logits within {_CLOSE} from {peer}, received some that differ by {gap:.1e}"
            )


def lines(rates: Sequence[Rates]) -> list[str]:
    """For each number of texts and each peer the medians over the rounds, and that of the ratio within a round."""
    told = []
    for texts, peer in sorted({(rate.texts, rate.peer) for rate in rates}):
        rounds = [rate for rate in rates if (rate.texts, rate.peer) == (texts, peer)]
        ours, theirs = (statistics.median(side) for side in zip(*((r.ours, r.theirs) for r in rounds), strict=True))
        ratio = statistics.median(rate.ours / rate.theirs for rate in rounds)
        budget = f"   budget ≥ {_BUDGET:.0f}" if texts == max(CONVERSATIONS) and peer == _KERAS else ""
        told.append(
            f"{texts:3} texts at once   kmaas up {ours:7.1f} tokens/s   {peer} {theirs:7.1f} tokens/s   "
            f"ratio {ratio:5.2f}{budget}"
        )
    return told


def first_tokens(rounds: Sequence[Mapping[str, float]]) -> list[str]:
    """The median over the rounds of the seconds that each server takes."""
    return [
        f"first token of one text   {name} {statistics.median(one[name] for one in rounds) * 1000:7.1f} ms"
        for name in rounds[0]
    ]


def _round(texts: int, tokens: int, ours: Write, writes: Mapping[str, Write]) -> Iterator[Rates]:
    rate = _rate(ours, texts, tokens)
    for name, write in writes.items():
        yield Rates(texts, rate, _rate(write, texts, tokens), name)


def _writing(peer: str, tokens: int) -> Write:
    return lambda number: ask(_theirs(peer, number, tokens, stream=False), timeout_s=_TIMEOUT_S)


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


def _theirs(peer: str, number: int, tokens: int, *, stream: bool) -> Request:
    body = {"token_ids": [ord(letter) for letter in _prompt(number)], "tokens": tokens, "stream": stream}
    return Request(f"{peer}/generate", orjson.dumps(body), _JSON)


def _first_token_s(request: Request) -> float:
    began = time.monotonic()
    with Listeners(request, 1):  # ready once each has had its first event
        return time.monotonic() - began


def _begin(peer: str) -> Request:
    """What it must answer before it is timed."""
    body = {"token_ids": [1] * _PROMPT_TOKENS, "tokens": _TOKENS}
    return Request(f"{peer}/generate", orjson.dumps(body), _JSON)
