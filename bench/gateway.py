"""The budgets of the gateway: what it costs beside its model server asked directly, in one interleaved run."""

import statistics
from pathlib import Path

import click
import numpy as np
import orjson

from bench.footprint import children, import_s, resident_mb
from bench.load import Request, grpc_request, requests_per_s
from bench.stack import Stack, running_stack
from processing.forms import form_of
from processing.image import decode
from processing.spec import ImageSpec, TextSpec, parse_spec
from processing.text import TextEncoder
from store.golden import read_goldens
from store.layout import Store, VersionDir
from store.manifest import Manifest
from wire import messages
from wire.client import ModelServerClient
from wire.methods import PREDICT
from wire.tensors import Array, to_proto

_MODELS = ("digits", "sentiment")


def measure(store: Path, *, rounds: int, count: int) -> None:
    """Starts the stack on `store`, measures it in rounds of `count` requests, and prints ratios."""
    click.echo(f"import gateway.app           {import_s('gateway.app'):8.2f} s      budget ≤ 0.60")
    with running_stack(store.resolve(), _MODELS) as stack:
        click.echo(f"kmaas up to first answer     {stack.ready_s:8.2f} s      budget ≤ 10")
        _footprint(stack)
        for model in _MODELS:
            direct, gateway = _requests(stack, model)
            _latency(model, direct, gateway, rounds=rounds)
            for concurrency in (1, 16):
                _throughput(model, direct, gateway, concurrency=concurrency, rounds=rounds, count=count)


def _footprint(stack: Stack) -> None:
    for pid in children(stack.pid):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
        click.echo(f"resident memory              {resident_mb(pid):8.0f} MB     {command[-60:]}")


def _requests(stack: Stack, model: str) -> tuple[Request, Request]:
    """The same golden request twice: its tensor straight to the model server, its bytes to the gateway."""
    version = Store.at(stack.store).version(model)
    golden = read_goldens(version.golden)[0]
    name, tensor = _tensor(stack, version, golden.body)
    request = messages.PredictRequest()
    request.model_spec.name = model
    request.inputs[name].CopyFrom(to_proto(tensor))
    direct = grpc_request(stack.grpc, PREDICT.path, request.SerializeToString())
    return direct, Request(f"{stack.url}/models/{model}", golden.body, {"content-type": golden.media_type})


def _tensor(stack: Stack, version: VersionDir, body: bytes) -> tuple[str, Array]:
    """Name and batch of one of the input that the gateway would send for `body`."""
    manifest = Manifest.read(version.manifest)
    spec = parse_spec(manifest.processing)
    if isinstance(spec, ImageSpec):
        return spec.input, form_of(spec).tensor(decode(body, max_pixels=10**7))[np.newaxis]
    assert isinstance(spec, TextSpec)
    with ModelServerClient(stack.grpc) as client:
        section = {"section": np.array(["tokenizer"])}
        answer = client.predict(manifest.model, section, signature="manifest", timeout_s=10)
    tokenizer = answer.outputs["document"][0].decode()
    return spec.input, TextEncoder(tokenizer, spec).encode([orjson.loads(body)["inputs"]])


def _throughput(model: str, direct: Request, gateway: Request, *, concurrency: int, rounds: int, count: int) -> None:
    pairs = [
        (
            requests_per_s(direct, concurrency=concurrency, count=count),
            requests_per_s(gateway, concurrency=concurrency, count=count),
        )
        for _ in range(rounds)
    ]
    straight, through = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(g / d for d, g in pairs)
    click.echo(
        f"{model:10} at {concurrency:3}         direct gRPC {straight:7.0f}/s   gateway {through:7.0f}/s   "
        f"gateway ÷ direct {ratio:5.2f}"
    )


def _latency(model: str, direct: Request, gateway: Request, *, rounds: int) -> None:
    """Mean time of one request at a time, the median over the rounds, both sides measured by the same client."""
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for request, times in zip((direct, gateway), sides, strict=True):
            rate = requests_per_s(request, concurrency=1, count=200)
            times.append(1000 / rate)
    straight, through = map(statistics.median, sides)
    click.echo(
        f"{model:10} one by one        direct gRPC {straight:7.2f} ms  gateway {through:7.2f} ms  "
        f"added {through - straight:5.2f} ms   budget ≤ 1.5"
    )
